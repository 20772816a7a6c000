//! Facts about a turn that change its route, whatever its category.

use super::confidence::Confidence;
use serde::{Deserialize, Serialize};

super::words! {
    /// Something a message says or is that a rule can act on.
    Signal {
        /// Asks for a human being.
        RequestHuman = "request_human",
        /// Asks for a manager or supervisor.
        RequestManager = "request_manager",
        /// Announces a lawsuit or a lawyer.
        LegalThreat = "legal_threat",
        /// Names PROCON, Reclame Aqui, consumidor.gov.br or a like body as a threat or a complaint.
        ConsumerAgency = "consumer_agency",
        /// Names the ANPD or asserts rights under the LGPD or GDPR.
        DataProtection = "data_protection",
        /// Wants to leave or cancel.
        Churn = "churn",
        /// Account takeover, leak, unauthorised access.
        Security = "security",
        /// Data was lost.
        DataLoss = "data_loss",
        /// Wants money back.
        Refund = "refund",
        /// Contests a charge.
        BillingDispute = "billing_dispute",
        /// Claims fraud.
        Fraud = "fraud",
        /// A person may harm themselves.
        SelfHarm = "self_harm",
        /// A child may be in danger.
        ChildSafety = "child_safety",
        /// Violence against a person, or an emergency in progress.
        Violence = "violence",
        /// Text that tries to instruct the assistant.
        Injection = "injection",
        /// Unsolicited advertising or a scam.
        Spam = "spam",
        /// Thanks, an acknowledgement or a closing courtesy and nothing else.
        ThankYou = "thank_you",
        /// A machine answered (out of office, delivery report).
        AutoReply = "auto_reply",
        /// The whole message asks to stop receiving messages.
        OptOut = "opt_out",
        /// Insults aimed at us.
        Abuse = "abuse",
        /// Posted or announced in public.
        PublicPost = "public_post",
        /// Claims rights over content (copyright, DMCA, cease and desist).
        RightsHolder = "rights_holder",
        /// Several people or everything is affected.
        Outage = "outage",
        /// Says that an earlier answer did not help.
        Repeated = "repeated",
        /// A greeting and nothing else yet.
        Greeting = "greeting",
    }
}

impl Signal {
    /// True for danger to a person: never a model's words, always the safety queue.
    pub const fn is_safety(self) -> bool {
        matches!(self, Self::SelfHarm | Self::ChildSafety | Self::Violence)
    }

    /// True where the turn may need no reply at all.
    pub const fn wants_no_reply(self) -> bool {
        matches!(self, Self::ThankYou | Self::AutoReply | Self::Spam)
    }
}

/// The pattern of hits that the learned model found.
pub const LEARNED_EXAMPLES: &str = "learned examples";

/// The pattern of hits that a language model alone heard.
pub const LANGUAGE_MODEL: &str = "language model";

/// A signal found in a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalHit {
    /// What was found.
    pub signal: Signal,
    /// How sure the engine is.
    pub confidence: Confidence,
    /// The pattern's own name or text from the lexicon; never the customer's words.
    pub pattern: String,
}

impl SignalHit {
    /// True where only a language model heard the signal.
    pub fn is_from_model(&self) -> bool {
        self.pattern == LANGUAGE_MODEL
    }

    /// True where no lexicon knows the words and the learned model alone heard the signal.
    pub fn is_learned(&self) -> bool {
        self.pattern == LEARNED_EXAMPLES
    }
}
