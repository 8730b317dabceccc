//! One suite over both engines. SQLite runs on a file in a temporary folder; PostgreSQL is made
//! and started by the tests themselves.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::expect_used, reason = "a test stops at the first surprise and says at which")]
#![expect(clippy::panic, reason = "a test stops at the first surprise and says at which")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod engine;
mod sample;

mod certificates;
mod commit;
mod crash;
mod full;
mod lease;
mod older;
mod open;
mod race;
mod reads;
mod tamper;
mod watch;

/// Makes of each function one test on SQLite and one on PostgreSQL.
macro_rules! both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::engine::Place::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::engine::Place::postgres().await).await;
            })+
        }
    };
}
pub(crate) use both;
