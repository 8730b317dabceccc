//! What people do with Bailiwick, told as tests on real servers: one file per story.
