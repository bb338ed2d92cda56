"""What people really bring: about 60 kinds of folder, packed and compared, or refused in one sentence."""
