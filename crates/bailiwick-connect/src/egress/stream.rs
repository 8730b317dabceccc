//! A connection for a protocol that is not HTTP, through the same fence.

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::{Egress, Host, NoAnswer, Scheme, Target, Trust, dial};

/// What can be read from and written to.
pub(crate) trait Talk: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Talk for T {}

impl Egress {
    /// Connects to the host and port of `target`; TLS is spoken from the first octet on where its
    /// scheme is `https`.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(crate) async fn stream(
        &self,
        target: &Target,
        trust: &Trust,
    ) -> Result<Box<dyn Talk>, NoAnswer> {
        let mut last = NoAnswer::NoAddress;
        let wait = self.limits.connect_timeout;
        for permit in self.permits(target).await? {
            match timeout(wait, dial(permit)).await {
                Err(_) => last = NoAnswer::ConnectTimeout(wait),
                Ok(Err(cause)) => last = NoAnswer::Connect(cause.kind()),
                Ok(Ok(stream)) if target.scheme() == Scheme::Http => return Ok(Box::new(stream)),
                Ok(Ok(stream)) => {
                    let name = match target.host() {
                        Host::Address(address) => ServerName::from(*address),
                        Host::Name(name) => ServerName::try_from(name.to_string())
                            .map_err(|_| NoAnswer::Tls("the host is not a name".to_owned()))?,
                    };
                    let connector = tokio_rustls::TlsConnector::from(trust.config());
                    let connected = timeout(wait, connector.connect(name, stream)).await;
                    let connected = connected.map_err(|_| NoAnswer::ConnectTimeout(wait))?;
                    let stream = connected.map_err(|cause| NoAnswer::Tls(cause.to_string()))?;
                    return Ok(Box::new(stream));
                }
            }
        }
        Err(last)
    }
}
