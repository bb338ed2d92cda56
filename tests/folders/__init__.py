"""What people really bring: some 190 kinds of folder, packed and compared, or refused in one sentence."""
