//! The labels that every policy pack shares; a pack only renames them for display.

super::words! {
    /// A language we tell apart, spelled as BCP 47.
    Language {
        /// Brazilian Portuguese.
        PtBr = "pt-BR",
        /// English.
        En = "en",
        /// Spanish.
        Es = "es",
        /// Not determined.
        Und = "und",
    }
}

impl Language {
    /// Returns the locale replies are written in: the language itself where we write it natively.
    pub const fn reply_locale(self) -> Option<Locale> {
        match self {
            Self::PtBr => Some(Locale::PtBr),
            Self::En => Some(Locale::En),
            Self::Es | Self::Und => None,
        }
    }
}

super::words! {
    /// A locale that templates, articles and pages are written in.
    Locale {
        /// Brazilian Portuguese.
        PtBr = "pt-BR",
        /// English.
        En = "en",
    }
}

super::words! {
    /// How soon a person or a reply is needed; the order is from least to most urgent.
    Urgency {
        /// Can wait.
        Low = "low",
        /// The usual.
        Normal = "normal",
        /// Soon.
        High = "high",
        /// Now.
        Critical = "critical",
    }
}

super::words! {
    /// The customer's mood.
    Sentiment {
        /// Pleased.
        Positive = "positive",
        /// Neither.
        Neutral = "neutral",
        /// Unhappy, however politely.
        Negative = "negative",
        /// Furious.
        Angry = "angry",
    }
}

super::words! {
    /// How hard the case is.
    Complexity {
        /// One known answer.
        Simple = "simple",
        /// Some work.
        Moderate = "moderate",
        /// A specialist's work.
        Complex = "complex",
    }
}

super::words! {
    /// How long the solution is expected to take.
    EstimatedResolution {
        /// Minutes.
        Minutes = "minutes",
        /// Hours.
        Hours = "hours",
        /// Days.
        Days = "days",
    }
}

super::words! {
    /// The kind of answer that fits.
    SuggestedResponse {
        /// Numbered steps.
        StepByStep = "step_by_step",
        /// An explanation.
        Explanation = "explanation",
        /// A person takes over.
        Escalation = "escalation",
        /// A pointer to an article.
        DocumentationLink = "documentation_link",
    }
}
