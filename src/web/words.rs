//! The words that only the API has.

crate::domain::words! {
    /// To whom a conversation is given back.
    ReleaseTo {
        /// Its queue of people.
        People = "people",
        /// The assistant.
        Assistant = "assistant",
    }
}

crate::domain::words! {
    /// A field that people may correct.
    CorrectedField {
        /// The category.
        Category = "category",
        /// The subcategory.
        Subcategory = "subcategory",
        /// The urgency.
        Urgency = "urgency",
        /// The sentiment.
        Sentiment = "sentiment",
        /// The language.
        Language = "language",
        /// The complexity.
        Complexity = "complexity",
    }
}

crate::domain::words! {
    /// What an agent does with a draft.
    ReviewAction {
        /// Sends it as it is.
        Approve = "approve",
        /// Sends other words.
        Edit = "edit",
        /// Sends nothing.
        Reject = "reject",
    }
}
