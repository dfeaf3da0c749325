//! Keeps objects: where and how bytes are stored. Knows no domain word.
