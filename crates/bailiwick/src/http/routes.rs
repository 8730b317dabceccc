//! The authorisation table: every route of the server with the permission it asks for. A route that
//! is served and does not stand here fails the tests; so does one that stands here and is not served.

/// Who may use a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Permission {
    /// Anybody: what it tells is public, or it is the way to prove who one is.
    Public,
    /// The request proves itself: a JWS by an ACME account or a certificate's key (RFC 8555, 6.2), or
    /// the token of a workload.
    Signed,
    /// Anybody who is signed in; what is shown is narrowed to what they may see.
    SignedIn,
    /// The policy is asked for this access to the object that the request names.
    Asked(&'static str),
}

impl Permission {
    /// Its name in `bailiwick routes`.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Public => "public".to_owned(),
            Self::Signed => "signed-request".to_owned(),
            Self::SignedIn => "signed-in".to_owned(),
            Self::Asked(access) => format!("policy:{access}"),
        }
    }
}

/// One route.
pub(crate) struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, as the router spells it.
    pub path: &'static str,
    /// Who may use it.
    pub permission: Permission,
}

const fn route(method: &'static str, path: &'static str, permission: Permission) -> Route {
    Route { method, path, permission }
}

use Permission::{Asked, Public, Signed, SignedIn};

/// Every route.
pub(crate) const ROUTES: &[Route] = &[
    route("GET", "/acme/directory", Public),
    route("GET", "/acme/new-nonce", Public),
    route("HEAD", "/acme/new-nonce", Public),
    route("POST", "/acme/new-account", Signed),
    route("POST", "/acme/account/{account}", Signed),
    route("POST", "/acme/account/{account}/orders", Signed),
    route("POST", "/acme/key-change", Signed),
    route("POST", "/acme/new-authz", Signed),
    route("POST", "/acme/new-order", Signed),
    route("POST", "/acme/order/{order}", Signed),
    route("POST", "/acme/order/{order}/finalize", Signed),
    route("POST", "/acme/authz/{authz}", Signed),
    route("POST", "/acme/challenge/{authz}/{challenge}", Signed),
    route("POST", "/acme/certificate/{certificate}", Signed),
    route("POST", "/acme/certificate/{certificate}/{chain}", Signed),
    route("GET", "/acme/renewal-info/{certificate}", Public),
    route("POST", "/acme/revoke-cert", Signed),
    route("GET", "/api/v1/openapi.json", Public),
    route("GET", "/api/v1/me", SignedIn),
    route("POST", "/api/v1/people/{person}/link", Asked("administer")),
    route("POST", "/api/v1/sign-in", Public),
    route("GET", "/api/v1/tokens", SignedIn),
    route("POST", "/api/v1/tokens", Asked("administer")),
    route("DELETE", "/api/v1/tokens/{token}", Asked("administer")),
    route("GET", "/api/v1/changes", SignedIn),
    route("POST", "/api/v1/changes", Asked("request")),
    route("POST", "/api/v1/changes/plan", Asked("request")),
    route("GET", "/api/v1/changes/{change}", Asked("read")),
    route("POST", "/api/v1/changes/{change}/approve", Asked("approve")),
    route("POST", "/api/v1/changes/{change}/refuse", Asked("approve")),
    route("POST", "/api/v1/changes/{change}/withdraw", Asked("request")),
    route("POST", "/api/v1/changes/{change}/resolve", Asked("request")),
    route("POST", "/api/v1/changes/{change}/rehearse", Asked("request")),
    route("GET", "/api/v1/certificates", SignedIn),
    route("GET", "/api/v1/certificates/{certificate}", Asked("read")),
    route("GET", "/api/v1/certificates/{certificate}/story", Asked("read")),
    route("POST", "/api/v1/certificates/{certificate}/revoke", Asked("revoke")),
    route("GET", "/api/v1/services", SignedIn),
    route("GET", "/api/v1/services/{service}/envelopes", Asked("read")),
    route("POST", "/api/v1/services/{service}/envelopes", Asked("request")),
    route("GET", "/api/v1/envelopes/{envelope}", Asked("read")),
    route("POST", "/api/v1/envelopes/{envelope}/narrow", Asked("request")),
    route("POST", "/api/v1/envelopes/{envelope}/end", Asked("request")),
    route("GET", "/api/v1/credentials", SignedIn),
    route("POST", "/api/v1/credentials", Asked("administer")),
    route("DELETE", "/api/v1/credentials/{credential}", Asked("administer")),
    route("POST", "/api/v1/credentials/{credential}/rotate", Asked("administer")),
    route("GET", "/api/v1/accounts", SignedIn),
    route("GET", "/api/v1/accounts/{account}", Asked("read")),
    route("POST", "/api/v1/accounts/{account}/deactivate", Asked("administer")),
    route("POST", "/api/v1/accounts/{account}/agree", Asked("administer")),
    route("GET", "/api/v1/standing-records", SignedIn),
    route("POST", "/api/v1/enrolments", Signed),
    route("POST", "/api/v1/enrolments/{account}", Signed),
    route("GET", "/api/v1/attestors", Asked("read")),
    route("GET", "/api/v1/estate", Asked("read")),
    route("POST", "/api/v1/estate/plan", Asked("read")),
    route("POST", "/api/v1/estate/apply", Asked("request")),
    route("GET", "/api/v1/issuers", Asked("read")),
    route("GET", "/api/v1/issuers/{issuer}", Asked("read")),
    route("POST", "/api/v1/issuers/{issuer}/rotate", Asked("request")),
    route("GET", "/api/v1/ca-accounts", Asked("read")),
    route("POST", "/api/v1/ca-accounts", Asked("request")),
    route("POST", "/api/v1/secrets", Asked("administer")),
    route("GET", "/api/v1/findings", Asked("read")),
    route("GET", "/api/v1/findings/{finding}", Asked("read")),
    route("POST", "/api/v1/findings/{finding}/adopt", Asked("request")),
    route("GET", "/api/v1/findings/{finding}/revert", Asked("read")),
    route("GET", "/api/v1/control", Asked("read")),
    route("GET", "/api/v1/caa/{name}/history", Asked("read")),
    route("POST", "/api/v1/lab/zones/{zone}", SignedIn),
    route("GET", "/api/v1/zones/{zone}", Asked("read")),
    route("GET", "/api/v1/zones/{zone}/records", Asked("read")),
    route("POST", "/api/v1/zones/{zone}/try", Asked("administer")),
    route("GET", "/api/v1/ledger/checkpoint", Asked("read")),
    route("GET", "/api/v1/ledger/entries/{index}", Asked("read")),
    route("GET", "/api/v1/ledger/{*path}", Asked("read")),
    route("GET", "/api/v1/decisions/{decision}", Asked("read")),
    route("GET", "/api/v1/emergencies", SignedIn),
    route("POST", "/api/v1/emergencies", Asked("request")),
    route("POST", "/api/v1/emergencies/{change}/review", Asked("approve")),
    route("POST", "/api/v1/services/{service}/delegated-executions", Asked("administer")),
    route("GET", "/api/v1/duties/toxic", Asked("read")),
    route("GET", "/api/v1/duties/of/{*subject}", Asked("read")),
    route("GET", "/api/v1/acts", Asked("read")),
    route("GET", "/api/v1/events", SignedIn),
    route("GET", "/", SignedIn),
    route("GET", "/certificates", SignedIn),
    route("GET", "/certificates/{certificate}", Asked("read")),
    route("GET", "/changes", SignedIn),
    route("GET", "/changes/{change}", Asked("read")),
    route("POST", "/changes/{change}/approve", Asked("approve")),
    route("POST", "/changes/{change}/refuse", Asked("approve")),
    route("POST", "/changes/{change}/rehearse", Asked("request")),
    route("GET", "/attestors", Asked("read")),
    route("GET", "/issuers", Asked("read")),
    route("POST", "/issuers/{issuer}/rotate", Asked("request")),
    route("GET", "/emergencies", SignedIn),
    route("POST", "/emergencies", Asked("request")),
    route("POST", "/emergencies/{change}/review", Asked("approve")),
    route("GET", "/duties", Asked("read")),
    route("GET", "/services", SignedIn),
    route("GET", "/services/{service}/envelopes", Asked("read")),
    route("POST", "/services/{service}/envelopes", Asked("request")),
    route("GET", "/services/{service}/clients", Asked("read")),
    route("POST", "/services/{service}/credentials", Asked("administer")),
    route("POST", "/credentials/{credential}/rotate", Asked("administer")),
    route("POST", "/credentials/{credential}/revoke", Asked("administer")),
    route("GET", "/accounts/{account}", Asked("read")),
    route("POST", "/accounts/{account}/deactivate", Asked("administer")),
    route("POST", "/accounts/{account}/agree", Asked("administer")),
    route("GET", "/findings", Asked("read")),
    route("GET", "/findings/{finding}", Asked("read")),
    route("POST", "/findings/{finding}/adopt", Asked("request")),
    route("GET", "/controls", Asked("read")),
    route("GET", "/controls/{zone}", Asked("read")),
    route("GET", "/controls/{zone}/{view}", Asked("read")),
    route("GET", "/zones/{zone}", Asked("read")),
    route("GET", "/zones/{zone}/{view}", Asked("read")),
    route("GET", "/caa/{name}", Asked("read")),
    route("GET", "/envelopes/{envelope}", Asked("read")),
    route("POST", "/envelopes/{envelope}/narrow", Asked("request")),
    route("POST", "/envelopes/{envelope}/end", Asked("request")),
    route("GET", "/events", SignedIn),
    route("GET", "/welcome/{secret}", Public),
    route("POST", "/welcome/{secret}", Public),
    route("GET", "/sign-in", Public),
    route("POST", "/sign-out", SignedIn),
    route("GET", "/docs/api", Public),
    route("GET", "/docs/acme", Public),
    route("GET", "/assets/{file}", Public),
    route("GET", "/metrics", Public),
    route("GET", "/healthz", Public),
    route("GET", "/crl/{issuer}", Public),
    route("GET", "/crl/{issuer}/{part}", Public),
    route("GET", "/issuer/{issuer}", Public),
    route("GET", "/issuer/{issuer}/{generation}", Public),
    route("POST", "/ocsp/{issuer}", Public),
    route("GET", "/ocsp/{issuer}/{*request}", Public),
];
