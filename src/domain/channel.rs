//! The ways a message reaches us, and what each way can carry back.

super::words! {
    /// Where a message came from and where its answer goes.
    Channel {
        /// WhatsApp Cloud API.
        Whatsapp = "whatsapp",
        /// E-mail, in by IMAP and out by SMTP.
        Email = "email",
        /// A form on a web site.
        WebForm = "web_form",
        /// A chat widget of the business.
        Chat = "chat",
        /// A call that a phone system handed over.
        Phone = "phone",
        /// Any other system that speaks our HTTP API.
        Api = "api",
    }
}

impl Channel {
    /// True where people write short messages in bursts, so that a turn waits for its end.
    pub const fn is_conversational(self) -> bool {
        matches!(self, Self::Whatsapp | Self::Chat)
    }

    /// True where we run no network client of our own and replies leave as signed HTTP callbacks.
    pub const fn replies_by_callback(self) -> bool {
        matches!(self, Self::WebForm | Self::Chat | Self::Phone | Self::Api)
    }
}
