//! Words beside a number that say what it is, folded, in the three languages of our customers.

/// What a word says about the number beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Cpf,
    Cnpj,
    Card,
    Phone,
    Cep,
    Boleto,
    /// Any of CPF, CNPJ, phone, e-mail or random key.
    Pix,
    Rg,
    Document,
    Birth,
    /// A number that is nobody's: an order, a protocol, a model.
    Order,
}

/// Returns what the folded word says.
pub(super) fn label(word: &str) -> Option<Label> {
    Some(match word {
        "cpf" | "cpfs" | "cic" => Label::Cpf,
        "cnpj" | "cnpjs" => Label::Cnpj,
        "cartao" | "cartoes" | "card" | "cards" | "cc" | "tarjeta" | "visa" | "mastercard"
        | "elo" | "amex" | "hipercard" | "credito" | "debito" => Label::Card,
        "telefone" | "telefones" | "tel" | "tels" | "fone" | "fones" | "celular" | "celulares"
        | "cel" | "whatsapp" | "whatsap" | "watsapp" | "whats" | "wats" | "zap" | "zapzap"
        | "wpp" | "wp" | "ligar" | "liga" | "ligue" | "liguem" | "ligou" | "ligam" | "contato"
        | "recado" | "phone" | "phones" | "telephone" | "cell" | "cellphone" | "mobile"
        | "call" | "calling" | "dial" | "sms" | "reach" | "telefono" | "movil" | "llamar"
        | "llamen" | "llameme" | "fixo" => Label::Phone,
        "cep" | "ceps" => Label::Cep,
        "boleto" | "boletos" | "barras" | "digitavel" | "barcode" => Label::Boleto,
        "pix" => Label::Pix,
        "rg" | "identidade" => Label::Rg,
        "cnh" | "habilitacao" | "pis" | "pasep" | "nis" | "nit" | "passaporte" | "passport"
        | "pasaporte" | "ssn" | "eleitor" | "rne" | "rnm" | "crnm" | "dni" => Label::Document,
        "nascimento" | "nasc" | "nasci" | "nascido" | "nascida" | "birth" | "birthday" | "dob"
        | "born" | "birthdate" | "nacimiento" | "naci" | "aniversario" => Label::Birth,
        "pedido" | "pedidos" | "protocolo" | "protocolos" | "order" | "orders" | "ticket"
        | "tickets" | "chamado" | "chamados" | "rastreio" | "rastreamento" | "tracking"
        | "nota" | "nf" | "nfe" | "nfse" | "fatura" | "invoice" | "sku" | "modelo" | "model"
        | "serial" | "serie" | "imei" | "ref" | "referencia" | "reference" | "versao"
        | "version" | "lote" | "lot" | "batch" | "contrato" | "contract" | "transacao"
        | "transaction" | "nsu" | "os" | "ordem" | "compra" | "purchase" | "item" | "produto"
        | "product" | "case" | "caso" | "incident" | "reserva" | "booking" | "processo"
        | "erro" | "error" | "build" | "valor" | "total" | "codigo" | "code" | "remessa"
        | "shipment" | "orden" | "seguimiento" | "factura" | "part" | "isbn" | "ean" | "gtin"
        | "patrimonio" | "apolice" | "sinistro" => Label::Order,
        _ => return None,
    })
}

/// True for words that stand between a label and its number without changing what is meant.
pub(super) fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "n" | "nº"
            | "no"
            | "nr"
            | "nro"
            | "num"
            | "numero"
            | "number"
            | "e"
            | "eh"
            | "is"
            | "was"
            | "foi"
            | "de"
            | "do"
            | "da"
            | "dos"
            | "das"
            | "del"
            | "o"
            | "a"
            | "the"
            | "meu"
            | "minha"
            | "my"
            | "mi"
            | "our"
            | "nosso"
            | "seguinte"
            | "este"
            | "esse"
            | "esta"
            | "com"
            | "of"
            | "es"
            | "el"
            | "with"
            | "cliente"
    )
}
