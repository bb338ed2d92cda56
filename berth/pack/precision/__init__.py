"""Which precisions a CPU may answer in: proven by the archive's own answers, held against those in fp32."""
