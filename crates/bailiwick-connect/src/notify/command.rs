//! A notice to a command of the operator's: the JSON on its standard input, nothing on its line.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::NotTaken;

/// For how long a command may run.
const TIME: Duration = Duration::from_secs(20);

/// Runs the command; exit code 0 takes the notice.
///
/// # Errors
/// [`NotTaken::Refused`] when it does not run, does not end in time, or says no.
pub async fn run(program: &Path, json: &str) -> Result<(), NotTaken> {
    let refused = |cause: String| NotTaken::Refused(format!("{}: {cause}", program.display()));
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env_clear()
        .kill_on_drop(true)
        .spawn()
        .map_err(|cause| refused(cause.to_string()))?;
    let done = async {
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing closes the pipe; its exit code says what counts.
            drop(stdin.write_all(json.as_bytes()).await);
        }
        child.wait().await
    };
    match timeout(TIME, done).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(refused(status.to_string())),
        Ok(Err(cause)) => Err(refused(cause.to_string())),
        Err(_) => Err(refused(format!("it did not end within {TIME:?}"))),
    }
}
