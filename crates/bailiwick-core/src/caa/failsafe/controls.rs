//! Each control: whether it stands, and why.

use super::words::Span;
use super::{
    Control, Detection, FailSafeFacts, GateControl, IssuerLimit, Revocation, Stand, Standing,
};
use crate::policy::Fact;

impl FailSafeFacts {
    pub(super) fn controls(&self) -> Vec<Standing> {
        vec![
            self.gate_stands(),
            limit_stands(Control::AccountBinding, self.account),
            limit_stands(Control::MethodLimits, self.methods),
            self.detection_stands(),
            self.revocation_stands(),
        ]
    }

    fn gate_stands(&self) -> Standing {
        let (stand, because) = match (self.gate, self.is_private()) {
            (Fact::Known(GateControl::Refuses), true) => {
                (Stand::Stands, "the gate refuses, and only our own CA is believed")
            }
            (Fact::Known(GateControl::Refuses), false) => (
                Stand::Stands,
                "the gate refuses at our own issuers; it does not reach the CAs of others",
            ),
            (Fact::Known(GateControl::Watches), _) => {
                (Stand::Falls, "the zone is not enforced, so the gate only watches")
            }
            (Fact::Unknown, _) => (Stand::Unknown, "whether our gate refuses is not known"),
        };
        standing(Control::Gate, stand, because)
    }

    fn detection_stands(&self) -> Standing {
        if self.is_private() {
            let because =
                "our own CA keeps its own ledger; public logs do not hold its certificates";
            return standing(Control::CtDetection, Stand::NotApplicable, because);
        }
        match self.detection {
            Fact::Known(Detection::Within { seconds }) => standing(
                Control::CtDetection,
                Stand::Stands,
                format!("a logged certificate is seen within {}", Span(seconds)),
            ),
            Fact::Known(Detection::NotWatched) => {
                standing(Control::CtDetection, Stand::Falls, "nobody watches the logs")
            }
            Fact::Unknown => standing(
                Control::CtDetection,
                Stand::Unknown,
                "whether the logs are watched is not known",
            ),
        }
    }

    fn revocation_stands(&self) -> Standing {
        match self.revocation {
            Fact::Known(Revocation::Within { seconds }) => standing(
                Control::Revocation,
                Stand::Stands,
                format!("a certificate is revoked within {} of our knowing", Span(seconds)),
            ),
            Fact::Known(Revocation::NotPossible) => {
                standing(Control::Revocation, Stand::Falls, "nobody could have it revoked")
            }
            Fact::Unknown => standing(
                Control::Revocation,
                Stand::Unknown,
                "how long a revocation takes is not known",
            ),
        }
    }
}

fn standing(control: Control, stand: Stand, because: impl Into<String>) -> Standing {
    Standing { control, stand, because: because.into() }
}

fn limit_stands(control: Control, limit: Fact<IssuerLimit>) -> Standing {
    let (stand, because) = match limit {
        Fact::Known(IssuerLimit::ByIssuer) => {
            (Stand::Stands, "the issuer itself limits it, whatever CAA says")
        }
        Fact::Known(IssuerLimit::ByCaa) => {
            (Stand::Falls, "it is a parameter of CAA (RFC 8657), so it falls with CAA")
        }
        Fact::Known(IssuerLimit::None) => (Stand::Falls, "nothing limits it"),
        Fact::Unknown => (Stand::Unknown, "whether the issuer limits it by itself is not known"),
    };
    standing(control, stand, because)
}
