//! Speaks the S3 protocol: sign, send, parse, retry. Knows no store.
