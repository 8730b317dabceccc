//! What the simulated CA does wrong.

/// One way to misbehave.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum Mischief {
    /// Nothing is wrong but what strikes the driver.
    Nothing,
    /// The CA signs, and the reply to finalize never comes.
    FinalizeReplyLost,
    /// The CA signs, and answers 500.
    FinalizeFailsAfterSigning,
    /// The CA signs, and answers after the deadline.
    FinalizeSlow,
    /// The CA signs, and answers 403.
    FinalizeRefusedAfterSigning,
    /// The CA signs, and shows the order as ready for a while.
    FinalizeShownLate,
    /// What happened before finalize arrives at all is that the connection breaks.
    FinalizeNeverArrives,
    /// The order is unknown after it was signed.
    OrderForgotten,
    /// The order is unknown as soon as it was placed.
    OrderForgottenAtOnce,
    /// The order is invalid after it was valid.
    InvalidAfterValid,
    /// The CA signs, and ends the order with an error of its own.
    InvalidInsteadOfValid,
    /// The order never leaves `processing`.
    ProcessingForEver,
    /// The order goes back to `ready` after it was valid.
    ReadyAfterValid,
    /// The reply to a newOrder never comes.
    OrderReplyLost,
    /// The reply to a newOrder names no order.
    OrderWithoutUrl,
    /// A newOrder gets another change's order.
    OrderOfAnother,
    /// A newOrder gets an order for other names.
    OrderForOtherNames,
    /// Two certificates are issued; each look shows the other one.
    IssuedTwice,
    /// The certificate's URL changes, and another certificate lies there.
    CertificateMoves,
    /// The serial was used before.
    SerialReused,
    /// The certificate has other names.
    OtherNames,
    /// The certificate has one name more.
    ExtraName,
    /// The certificate lacks a name.
    MissingName,
    /// The certificate is for another key.
    OtherKey,
    /// The certificate is a CA's.
    CaTrue,
    /// The certificate lasts longer than was approved.
    TooLong,
    /// The certificate begins in a month.
    NotYetValid,
    /// The certificate is over.
    Expired,
    /// The certificate is not for servers.
    OtherPurpose,
    /// Another intermediate is shown behind it.
    OtherIntermediate,
    /// No intermediate is shown.
    NoIntermediate,
    /// Leaf, root, intermediate.
    Reordered,
    /// A root that has nothing to do with it stands at the end.
    UnrelatedRoot,
    /// The leaf stands last.
    LeafLast,
    /// Answers are garbage.
    Garbage,
    /// Answers are huge.
    Huge,
    /// `Retry-After` is a year.
    RetryAfterYear,
    /// `Retry-After` is negative.
    RetryAfterNegative,
    /// `Retry-After` is a date that is over.
    RetryAfterPast,
    /// Nonces are refused.
    BadNonces,
    /// There is no nonce in any answer.
    NoNonces,
    /// Everything is rate limited.
    RateLimited,
    /// Control of the names counts as shown already.
    AlreadyAuthorized,
    /// No challenge that we can solve is offered.
    OtherChallenges,
    /// Control of a name is to be shown that was not ordered.
    OtherAuthorization,
    /// The challenge has another token at each look.
    NewTokens,
    /// Every answer is a redirect to a forbidden address.
    Redirects,
    /// The directory names URLs on forbidden addresses.
    DirectoryElsewhere,
    /// The order's URL is on a forbidden address.
    OrderElsewhere,
    /// The certificate's URL is on a forbidden address.
    CertificateElsewhere,
    /// Connections are cut in the middle of an answer.
    CutShort,
    /// The server's certificate is for another name.
    TlsOfAnother,
    /// `Date` is a year off.
    ClockSkewed,
    /// CAA forbids, the CA says at finalize.
    CaaForbids,
    /// Our account is deactivated.
    AccountDeactivated,
    /// The terms have changed, and somebody has to agree.
    TermsChanged,
    /// The certificate that an order replaces counts as replaced already.
    ReplacedAlready,
}

impl Mischief {
    /// All of them.
    pub(super) const ALL: &[Self] = &[
        Self::Nothing,
        Self::FinalizeReplyLost,
        Self::FinalizeFailsAfterSigning,
        Self::FinalizeSlow,
        Self::FinalizeRefusedAfterSigning,
        Self::FinalizeShownLate,
        Self::FinalizeNeverArrives,
        Self::OrderForgotten,
        Self::OrderForgottenAtOnce,
        Self::InvalidAfterValid,
        Self::InvalidInsteadOfValid,
        Self::ProcessingForEver,
        Self::ReadyAfterValid,
        Self::OrderReplyLost,
        Self::OrderWithoutUrl,
        Self::OrderOfAnother,
        Self::OrderForOtherNames,
        Self::IssuedTwice,
        Self::CertificateMoves,
        Self::SerialReused,
        Self::OtherNames,
        Self::ExtraName,
        Self::MissingName,
        Self::OtherKey,
        Self::CaTrue,
        Self::TooLong,
        Self::NotYetValid,
        Self::Expired,
        Self::OtherPurpose,
        Self::OtherIntermediate,
        Self::NoIntermediate,
        Self::Reordered,
        Self::UnrelatedRoot,
        Self::LeafLast,
        Self::Garbage,
        Self::Huge,
        Self::RetryAfterYear,
        Self::RetryAfterNegative,
        Self::RetryAfterPast,
        Self::BadNonces,
        Self::NoNonces,
        Self::RateLimited,
        Self::AlreadyAuthorized,
        Self::OtherChallenges,
        Self::OtherAuthorization,
        Self::NewTokens,
        Self::Redirects,
        Self::DirectoryElsewhere,
        Self::OrderElsewhere,
        Self::CertificateElsewhere,
        Self::CutShort,
        Self::TlsOfAnother,
        Self::ClockSkewed,
        Self::CaaForbids,
        Self::AccountDeactivated,
        Self::TermsChanged,
        Self::ReplacedAlready,
    ];

    /// How a run may end in which it struck.
    pub(super) const fn ends(self) -> &'static [End] {
        match self {
            // The CA does, or comes to do, what it should; what is lost is found again.
            Self::Nothing
            | Self::FinalizeReplyLost
            | Self::FinalizeFailsAfterSigning
            | Self::FinalizeSlow
            | Self::FinalizeShownLate
            | Self::RetryAfterYear
            | Self::RetryAfterNegative
            | Self::RetryAfterPast
            | Self::AlreadyAuthorized
            | Self::ClockSkewed
            | Self::ReplacedAlready => &[End::Adopted],
            // What was signed is not what was approved.
            Self::OtherNames
            | Self::ExtraName
            | Self::MissingName
            | Self::OtherKey
            | Self::CaTrue
            | Self::TooLong
            | Self::NotYetValid
            | Self::Expired
            | Self::OtherPurpose
            | Self::CaaForbids => &[End::TurnedBack],
            // Nobody but the CA knows what it did.
            Self::InvalidInsteadOfValid
            | Self::IssuedTwice
            | Self::CertificateMoves
            | Self::SerialReused => &[End::WithPerson],
            Self::OrderForgotten | Self::ProcessingForEver => &[End::Adopted, End::WithPerson],
            // It depends on when it strikes, whether it stops, and whether the driver lives to see it.
            Self::OrderForgottenAtOnce
            | Self::FinalizeRefusedAfterSigning
            | Self::OrderWithoutUrl
            | Self::OrderOfAnother
            | Self::OrderForOtherNames
            | Self::OtherChallenges
            | Self::OtherAuthorization
            | Self::OrderElsewhere
            | Self::OrderReplyLost
            | Self::NewTokens
            | Self::DirectoryElsewhere
            | Self::TermsChanged
            | Self::OtherIntermediate
            | Self::NoIntermediate
            | Self::Reordered
            | Self::UnrelatedRoot
            | Self::LeafLast => &[End::Adopted, End::TurnedBack],
            Self::FinalizeNeverArrives
            | Self::InvalidAfterValid
            | Self::ReadyAfterValid
            | Self::Garbage
            | Self::Huge
            | Self::BadNonces
            | Self::NoNonces
            | Self::RateLimited
            | Self::Redirects
            | Self::CertificateElsewhere
            | Self::CutShort
            | Self::TlsOfAnother
            | Self::AccountDeactivated => &[End::Adopted, End::TurnedBack, End::WithPerson],
        }
    }

    /// Whether it can strike at any request, so that the seed chooses at which.
    pub(super) const fn is_of_any_request(self) -> bool {
        matches!(
            self,
            Self::Garbage
                | Self::Huge
                | Self::RetryAfterYear
                | Self::RetryAfterNegative
                | Self::RetryAfterPast
                | Self::BadNonces
                | Self::NoNonces
                | Self::RateLimited
                | Self::Redirects
                | Self::CutShort
                | Self::TlsOfAnother
                | Self::ClockSkewed
                | Self::AccountDeactivated
        )
    }
}

/// How such a run may end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum End {
    /// The certificate is recorded.
    Adopted,
    /// Nothing was issued, or what was is revoked, and recorded so.
    TurnedBack,
    /// A person is named.
    WithPerson,
}
