//! The commands that ask a running server, as they are typed.

mod change;
mod issuer;
mod power;
mod registry;
mod watch;
mod zone;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::client::Server;

pub(crate) use watch::{ControlCommand, FindingCommand, Findings, IncidentCommand, LabCommand};

pub(crate) use change::ChangeCommand;
pub(crate) use issuer::{AttestorCommand, IssuerCommand};
pub(crate) use power::{DutiesCommand, EmergencyCommand, NoticesCommand};
pub(crate) use registry::{AccountCommand, CredentialCommand, Listing, StandingCommand};
pub(crate) use zone::ZoneCommand;

/// A command with the server it asks.
#[derive(Args)]
pub(crate) struct Asked<T: Subcommand> {
    /// What is asked
    #[command(subcommand)]
    pub what: T,
    /// Of whom
    #[command(flatten)]
    pub server: Server,
    /// How the answer is printed
    #[command(flatten)]
    pub output: GlobalOutput,
}

/// `--json` anywhere on the line.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct GlobalOutput {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
}

/// Commands that ask a running server.
#[derive(Subcommand)]
pub(crate) enum RemoteCommand {
    /// Changes: list, show, approve, refuse
    Change(Asked<ChangeCommand>),
    /// Certificates: list, why one exists, revoke
    Certificate(Asked<CertificateCommand>),
    /// Credentials for ACME clients (external account binding)
    Credential(Asked<CredentialCommand>),
    /// ACME accounts: whose each is, what it needs, end one
    Account(Asked<AccountCommand>),
    /// Standing validation records (dns-persist-01): whom each serves, since when, until when
    StandingRecord(Asked<StandingCommand>),
    /// Prove what this workload is, and get a credential for its ACME client
    Enroll(Enroll),
    /// Attestors: whose word about workloads counts
    Attestor(Asked<AttestorCommand>),
    /// Envelopes: standing approvals
    Envelope(Asked<EnvelopeCommand>),
    /// CAs: those that run here and their rotation; accounts at those behind ACME, and the key of an
    /// account binding
    Issuer(Asked<IssuerCommand>),
    /// Ways into zones: hand in their secrets
    Connector(Asked<ConnectorCommand>),
    /// Zones: what their servers say, their records, whether the way in works
    Zone(Asked<ZoneCommand>),
    /// Services with who answers for them
    Service(Asked<ServiceCommand>),
    /// Differences between what was decided and what is seen, those due first
    Findings(Findings),
    /// One finding: what it is, and the two ways to end it
    Finding(Asked<FindingCommand>),
    /// CAA as a tested control: every zone at its three points
    Control(Asked<ControlCommand>),
    /// Incidents: a certificate out of policy, or the report of one, answered on two tracks
    Incident(Asked<IncidentCommand>),
    /// The lab: be a DNS administrator who asks nobody
    Lab(Asked<LabCommand>),
    /// The ways by which notices reach people: hand in their secrets
    Notices(Asked<NoticesCommand>),
    /// Who can do what, and who could do too much
    Duties(Asked<DutiesCommand>),
    /// API tokens of yours
    Token(Asked<TokenCommand>),
    /// People: make a one-time sign-in link
    Person(Asked<PersonCommand>),
    /// Sign in with a one-time link; keeps a token for this user
    Login(Login),
    /// Who you are to the server
    Whoami(Plain),
}

#[derive(Subcommand)]
pub(crate) enum CertificateCommand {
    /// List certificates, the next to expire first
    List {
        /// Only of this service
        #[arg(long)]
        service: Option<String>,
        /// Only with a name that contains this
        #[arg(long)]
        name: Option<String>,
        /// Only those that expire within so many days
        #[arg(long, value_name = "DAYS")]
        expires_within: Option<u32>,
        /// The `next` of the page before
        #[arg(long)]
        after: Option<String>,
    },
    /// Print a certificate with its chain in PEM, as a server needs it
    Fetch {
        /// A serial, a fingerprint (64 hexadecimal digits), or a PEM or DER file
        certificate: String,
    },
    /// Why a certificate exists: intent, decision, approvals, CAA, validation, with ledger indexes
    Story {
        /// A serial, a fingerprint (64 hexadecimal digits), or a PEM or DER file
        certificate: String,
    },
    /// What would have stopped a certificate here; works without a server
    Lint {
        /// A PEM or DER file
        file: PathBuf,
        /// A profile of the estate, or `public-tls`: the rules for public servers
        #[arg(long, default_value = "public-tls")]
        profile: String,
        /// The estate folder that holds the profile
        #[arg(long, value_name = "DIR")]
        estate: Option<PathBuf>,
    },
    /// Ask for a certificate to be revoked
    Revoke {
        /// A serial, a fingerprint, or a PEM or DER file
        certificate: String,
        /// keyCompromise, superseded, cessationOfOperation, affiliationChanged, privilegeWithdrawn
        /// or unspecified
        #[arg(long, default_value = "unspecified")]
        reason: String,
        /// Why, in words
        #[arg(long)]
        why: String,
    },
}

/// What a workload shows: a token, or a key that it signs a proof with.
#[derive(Args)]
pub(crate) struct Enroll {
    /// The service it acts for
    #[arg(long)]
    pub service: String,
    /// A file with its token (CI system, Kubernetes, JWT-SVID); `-` reads standard input
    #[arg(long, value_name = "FILE", required_unless_present_any = ["svid", "host_key"])]
    pub token: Option<PathBuf>,
    /// Its X.509-SVID with the chain, PEM; goes with --key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "host_key"], requires = "key")]
    pub svid: Option<PathBuf>,
    /// The private key of the SVID, PKCS #8 in PEM
    #[arg(long, value_name = "FILE", requires = "svid")]
    pub key: Option<PathBuf>,
    /// The private key of this host, PKCS #8 in PEM
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub host_key: Option<PathBuf>,
    /// An account that this workload registered: it goes on with what is attested now, and no
    /// credential is made
    #[arg(long, value_name = "ID", conflicts_with = "certbot")]
    pub account: Option<String>,
    /// The `audience` of the attestor, for --svid and --host-key; the server's URL where absent
    #[arg(long)]
    pub audience: Option<String>,
    /// Only print the thumbprint of --host-key, as the estate names it
    #[arg(long, requires = "host_key")]
    pub thumbprint: bool,
    /// Write the options for certbot to a new file (`certbot -c FILE`) instead of showing the key
    #[arg(long, value_name = "FILE")]
    pub certbot: Option<PathBuf>,
    /// Of whom
    #[command(flatten)]
    pub server: Server,
    /// How the answer is printed
    #[command(flatten)]
    pub output: GlobalOutput,
}

#[derive(Subcommand)]
pub(crate) enum ConnectorCommand {
    /// Hand in the secret of a zone's connector: of its TSIG key, or the key of its HTTP API
    SetSecret {
        /// The zone
        zone: String,
        /// The secret of the key in `[transfer]` instead
        #[arg(long)]
        transfer: bool,
        /// The file that holds it (a TSIG secret in base64); standard input where absent
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum EnvelopeCommand {
    /// List the envelopes of a service
    List {
        /// The service
        service: String,
    },
    /// Show an envelope: who approved it and at which leaf, what was issued under it
    Show {
        /// The envelope's id
        id: String,
    },
    /// Ask for a standing approval for orders of a service
    Request {
        /// The service
        #[arg(long)]
        service: String,
        /// A name of the service; may be repeated
        #[arg(long = "name", value_name = "NAME", required = true)]
        names: Vec<String>,
        /// A profile; may be repeated
        #[arg(long = "profile", value_name = "PROFILE", required = true)]
        profiles: Vec<String>,
        /// From which issuer, where several have these profiles
        #[arg(long)]
        issuer: Option<String>,
        /// Only for this ACME account
        #[arg(long)]
        account: Option<String>,
        /// Until when, such as 2027-01-31; at most 398 days from now
        #[arg(long, value_name = "DATE")]
        until: String,
        /// How many certificates at most
        #[arg(long, value_name = "NUMBER")]
        uses: Option<u32>,
        /// Why, for whoever decides
        #[arg(long)]
        reason: String,
    },
    /// Give up a part of an envelope, at once: fewer names, an earlier end, fewer certificates.
    /// For more, request a new one
    Narrow {
        /// The envelope's id
        id: String,
        /// A name that remains; may be repeated; all stay where none is given
        #[arg(long = "name", value_name = "NAME")]
        names: Vec<String>,
        /// The earlier end
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// The smaller number of certificates
        #[arg(long, value_name = "NUMBER")]
        uses: Option<u32>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Ask for an envelope to end before its time
    End {
        /// The envelope's id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum ServiceCommand {
    /// List the services that you may see
    List,
}

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token that can do no more than you, for a limited time
    New {
        /// read, request, approve, revoke, administer; may be repeated
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// Only for this service; may be repeated
        #[arg(long = "service")]
        services: Vec<String>,
        /// How long it lasts, 1 to 720; it ends with the token that you are signed in with at the latest
        #[arg(long, default_value_t = 8)]
        hours: u32,
        /// What it is for
        #[arg(long)]
        purpose: String,
    },
    /// List your tokens
    List,
    /// Revoke a token
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum PersonCommand {
    /// Make a one-time sign-in link. You stand behind that sign-in: neither of you can approve what
    /// the other requests
    Link {
        /// The person's key in the estate
        person: String,
    },
}

/// Sign in with a one-time link.
#[derive(Args)]
pub(crate) struct Login {
    /// The link
    pub link: String,
    /// Of whom
    #[command(flatten)]
    pub server: Server,
}

/// A command without arguments of its own.
#[derive(Args)]
pub(crate) struct Plain {
    /// Of whom
    #[command(flatten)]
    pub server: Server,
    /// How the answer is printed
    #[command(flatten)]
    pub output: GlobalOutput,
}
