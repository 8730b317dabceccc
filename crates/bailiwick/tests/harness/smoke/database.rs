//! PostgreSQL.

use crate::harness::place;
use crate::harness::postgres::{self, Postgres};

#[test]
fn postgres_keeps_what_it_acknowledged_over_a_kill() {
    let mut postgres = Postgres::start();
    assert!(postgres.url().ends_with("/bailiwick"), "{}", postgres.url());
    let make = "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)";
    postgres.sql("bailiwick", make).expect_success();
    postgres.kill9();
    assert_ne!(postgres.sql("bailiwick", "SELECT 1").code, Some(0));
    postgres.restart();
    assert_eq!(postgres.sql("bailiwick", "SELECT n FROM kept").expect_success().stdout, "7\n");
    postgres.stop();
    postgres.restart();
    assert_eq!(postgres.sql("bailiwick", "SELECT n FROM kept").expect_success().stdout, "7\n");

    let second = postgres.database("second");
    assert!(second.ends_with("/second"), "{second}");
    assert_eq!(postgres.sql("second", "SHOW fsync").expect_success().stdout, "on\n");

    let (data, owner) = postgres::owner_of(&postgres);
    assert_ne!(owner, 0, "PostgreSQL does not run as root");
    drop(postgres);
    assert!(!data.exists());
    assert!(place::user_id() == 0 || owner == place::user_id());
}
