//! The stored form and the files: one estate, three spellings that agree.

use bailiwick_wire::estate::{decode, encode, read, write};

use crate::lab::{estate, files};

#[test]
fn what_is_written_is_read_again() {
    let estate = estate(&files());
    let written = write(&estate);
    assert_eq!(read(&written).unwrap(), estate);
    assert_eq!(write(&read(&written).unwrap()), written);
    assert_eq!(decode(&encode(&estate)).unwrap(), estate);
}
