//! Lines that say: what follows is an earlier mail.
//!
//! The words come from what mail programs write in the languages that reach a Brazilian business,
//! and some beyond.

use std::sync::LazyLock;

use regex::Regex;

use crate::channels::email::pattern::{is_match, pattern};
use crate::text::fold::fold;

/// Most lines over which a program breaks "On … wrote:".
const MAX_ATTRIBUTION_LINES: usize = 5;
/// Longest announcement, in bytes.
const MAX_ATTRIBUTION: usize = 400;
/// Longest line that can be part of a mark, in bytes.
const MAX_LINE: usize = 500;
/// Most lines of a block of header fields, wrapped ones included.
const MAX_BLOCK_LINES: usize = 12;

/// What stands at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// "On … wrote:" over so many lines, behind own words on its first line.
    Attribution { lines: usize, before: &'a str },
    /// A forwarded mail begins.
    Forward,
    /// Everything from here on is an earlier mail.
    Rest,
}

static ORIGINAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s>*_]*-{2,}\s*(original message|reply message|original e-?mail|mensagem original|mensaje original|correo original|ursprungliche nachricht|original-?nachricht|antwort nachricht|message d'origine|message original|messaggio originale|oprindelig meddelelse|ursprungligt meddelande|исходное сообщение)\s*-{2,}[\s*_]*$",
    )
});

static FORWARD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s>*_]*(-{2,}\s*(forwarded message|forwarded by .+|mensagem encaminhada|mensagem reencaminhada|mensaje reenviado|weitergeleitete nachricht|message transfere|messaggio inoltrato)\s*-{2,}|(begin forwarded message|inicio da mensagem (re)?encaminhada|inicio del mensaje reenviado|anfang der weitergeleiteten nachricht|debut du message (reexpedie|transfere))\s*:?)[\s*_]*$",
    )
});

/// How an announcement begins; the day must follow where own words stand before it.
static OPENS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s>*_]*-*\s*(On|Em|No dia|Le|El|Am|A|Op|Il|Il giorno|W dniu|Den|På|Vào|Dne|In data)\s",
    )
});

static OPENS_AMID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?:^|[\s.!?,;:)]|-{2,}\s*)((?:On\s(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)|[0-9]|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec))|Em\s(?:seg|ter|qua|qui|sex|s[áa]b|dom|[0-9])|El\s(?:lun|mar|mi[ée]|jue|vie|s[áa]b|dom|[0-9])|Le\s(?:lun|mar|mer|jeu|ven|sam|dim|[0-9])).*)$",
    )
});

static CLOSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)(\b(wrote|sent|writes|escreveu|escribi[óo]|a [ée]crit|schrieb|schreef|geschreven|ha scritto|napisał(\(a\))?|skrev|đã viết|написала?)\s*:?|\b(schrieb|schreef)\b[^:]+:)[\s*_]*-*\s*$",
    )
});

static DATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)[0-9]{1,2}[:h.][0-9]{2}|[0-9]{1,4}[/.\-][0-9]{1,2}|[0-9]{1,2}\.?\s*(de\s+)?(jan|fe[bv]|m[aä]r|a[pbv][ri]|ma[iy]|jun|jul|a[ug][go]|se[pt]|o[ku]t|no[vi]|d[eiz][czct])|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+[0-9]{1,2}|tháng",
    )
});

/// A person talked about, not a name in an announcement: "Em 12/05, o atendente escreveu:".
static TALKED_ABOUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r",\s+(o|a|os|as|ele|ela|um|uma|eu|the|he|she|they|I|you|your|voc[eê]s?|me)\s")
});

static STARTS_WITH_DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[\s>]*([0-9]{1,4}[./\-][0-9]{1,2}[./\-][0-9]{1,4}|(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+[0-9]{1,2}\s+[A-Za-z]+\s+[0-9]{4})\b.*@[^\s<>]+>?[^@]*$",
    )
});

/// What phones write instead of an announcement.
static PHONE_WROTE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s*((sent from|enviado d[eo])\s.+<[^\s<>]+@[^\s<>]+>\s*(wrote|escreveu)\s*:|-{3,}\s*\S.*\s(wrote|escreveu|escribi[óo]|a écrit|schrieb)\s*:?\s*-{3,})\s*$",
    )
});

/// An announcement with the quoted words right behind it, as Yahoo's phone programs write it.
static WROTE_THIS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^\s*(On|Em|El|Le)\s.+<[^\s<>]+@[^\s<>]+>\)?\s*(wrote|escreveu|escribi[óo]|a écrit)\s?:\s+\S",
    )
});

/// Words that only hand a forwarded mail on.
static HANDS_ON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[^a-z0-9]*((oi|ola|bom dia|boa tarde|boa noite|prezad[oa]s?|hi|hello|dear all)[^a-z0-9]+)*((segue|seguem|encaminho|encaminhando|repasso|repassando|fyi|para (seu |vosso |o seu )?(conhecimento|ciencia)|pra (vc|voce)s?|ver? abaixo|veja(m)? abaixo|conforme (abaixo|email abaixo|solicitado)|see below|please see below|as requested|forwarding)[^a-z0-9]*){1,2}((abaixo|o e-?mail|a mensagem|para (seu|vosso) conhecimento|em anexo|the (e-?mail|message)( below)?|this)[^a-z0-9]*)*((obrigad[oa]|att|grat[oa]|thanks)[^a-z0-9]*)?$",
    )
});

/// Words that say that the answers stand within the mail below them (folded).
static ANSWERS_BELOW: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(respostas|respondi|respondid[oa]s?|comentarios|comentei|observacoes|answers|answered|replies|replied|comments|commented|responses|responded)\b(?P<between>[^.!?\n]{0,30}?)\b(abaixo|below|in-?line|embedded|no corpo|no proprio|em (vermelho|azul|verde|amarelo|negrito|destaque)|in (red|blue|green|bold|colou?r)|entre as linhas|intercalad[oa]s)\b|\b(abaixo|below)\b(?P<behind>[^.!?\n]{0,20}?)\b(respostas|answers|replies|comentarios|comments)\b",
    )
});

/// Most bytes of the sender's own words that are searched for where the answers are; who announces them writes little else.
const MAX_ANNOUNCED: usize = 600;

/// True if words of the sender's own say that the answers stand amid the mail that follows, and not that one got none to it.
pub(super) fn answers_below(own: &[String]) -> bool {
    let text = own.join("\n");
    if text.len() > MAX_ANNOUNCED {
        return false;
    }
    let folded = fold(&text);
    let Some(found) = ANSWERS_BELOW.as_ref().and_then(|pattern| pattern.captures(&folded)) else {
        return false;
    };
    let between = found.name("between").or_else(|| found.name("behind"));
    !between.is_some_and(|words| {
        ["mail", "mensag", "messag"].iter().any(|w| words.as_str().contains(w))
    })
}

/// True if a text only hands on what stands below it.
pub(super) fn hands_on(text: &str) -> bool {
    text.len() <= MAX_LINE && is_match(HANDS_ON.as_ref(), &fold(text))
}

/// True for an empty line or one that only draws a rule.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || (line.len() >= 3 && line.chars().all(|c| "-_=*~—".contains(c)))
}

/// Returns the mark that begins at a line.
pub(super) fn at<'a>(lines: &[&'a str], at: usize) -> Option<Mark<'a>> {
    let line = lines.get(at).copied()?;
    if line.len() > MAX_LINE || line.trim().is_empty() {
        return None;
    }
    let folded = fold(line);
    if line.contains('-') && is_match(ORIGINAL.as_ref(), &folded) {
        // A quoted mark is part of the quote that it stands in.
        return (!line.trim_start().starts_with('>')).then_some(Mark::Rest);
    }
    if is_match(FORWARD.as_ref(), &folded) {
        return (!line.trim_start().starts_with('>')).then_some(Mark::Forward);
    }
    if let Some(mark) = attribution(lines, at) {
        return Some(mark);
    }
    if is_match(WROTE_THIS.as_ref(), line) && is_match(DATED.as_ref(), line) {
        return Some(Mark::Rest);
    }
    (!line.trim_start().starts_with('>') && is_header_block(lines, at)).then_some(Mark::Rest)
}

fn attribution<'a>(lines: &[&'a str], at: usize) -> Option<Mark<'a>> {
    let first = lines.get(at).copied()?;
    if first.trim_start().starts_with('>') {
        return None;
    }
    if is_match(PHONE_WROTE.as_ref(), first) {
        return Some(Mark::Attribution { lines: 1, before: "" });
    }
    let amid = OPENS_AMID.as_ref().and_then(|p| p.captures(first)).and_then(|c| c.get(1));
    let opens = is_match(OPENS.as_ref(), first);
    let dated = first.contains(|c: char| c.is_ascii_digit());
    if !opens && amid.is_none() && !dated {
        return None;
    }
    let mut joined = String::new();
    for (n, line) in lines.iter().skip(at).take(MAX_ATTRIBUTION_LINES).enumerate() {
        // The closing bracket of an address that was broken over lines looks like a quote.
        let in_address = joined.matches('<').count() > joined.matches('>').count();
        if n > 0 && begins_quote(line) && !in_address {
            return None;
        }
        joined.push_str(if n == 0 { "" } else { " " });
        joined.push_str(line.trim());
        if joined.len() > MAX_ATTRIBUTION {
            return None;
        }
        let next = lines.iter().skip(at + n + 1).find(|line| !line.trim().is_empty());
        let quote_follows = next.is_some_and(|next| next.trim_start().starts_with('>'));
        if opens && announces(&joined, quote_follows) {
            return Some(Mark::Attribution { lines: n + 1, before: "" });
        }
        if let Some(amid) = amid.filter(|_| n < 2) {
            let before = first.get(..amid.start()).unwrap_or_default();
            let announced = joined.get(before.trim_start().len()..).unwrap_or_default();
            if announces(announced, quote_follows) {
                let before = before.trim_end().trim_end_matches('-');
                return Some(Mark::Attribution { lines: n + 1, before });
            }
        }
        let date_first = n < 2 && is_match(STARTS_WITH_DATE.as_ref(), &joined);
        if date_first && (joined.ends_with(':') || quote_follows) {
            return Some(Mark::Attribution { lines: n + 1, before: "" });
        }
    }
    None
}

fn begins_quote(line: &str) -> bool {
    line.trim_start().starts_with("> ") || line.trim() == ">"
}

fn announces(text: &str, quote_follows: bool) -> bool {
    is_match(CLOSES.as_ref(), text)
        && is_match(DATED.as_ref(), text)
        && (quote_follows
            || text.contains('@')
            || (text.contains(',') && !is_match(TALKED_ABOUT.as_ref(), text)))
}

/// What a header field of a quoted mail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    From,
    Sent,
    Date,
    To,
    Subject,
    Other,
}

fn field(line: &str) -> Option<(Field, &str)> {
    if line.len() > MAX_LINE {
        return None;
    }
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || "*_|>".contains(c));
    let (label, value) = line.split_once(':')?;
    if label.len() > 30 {
        return None;
    }
    let label = fold(label);
    let field = match label.trim_matches(|c: char| c.is_whitespace() || "*_".contains(c)) {
        "from" | "de" | "von" | "da" | "fra" | "fran" | "van" | "от" => Field::From,
        "sent"
        | "enviado"
        | "enviada"
        | "enviado em"
        | "enviada em"
        | "enviado el"
        | "gesendet"
        | "envoye"
        | "sendt"
        | "skickat"
        | "verzonden"
        | "inviato"
        | "отправлено" => Field::Sent,
        "date" | "data" | "fecha" | "datum" | "data/hora" | "дата" => Field::Date,
        "to" | "para" | "an" | "a" | "til" | "till" | "aan" | "кому" => Field::To,
        "subject" | "assunto" | "asunto" | "betreff" | "objet" | "oggetto" | "emne" | "amne"
        | "onderwerp" | "тема" => Field::Subject,
        "cc" | "c/c" | "cco" | "bcc" | "kopie" | "copia" | "reply-to" | "responder a"
        | "responder para" | "antwort an" | "importance" | "importancia" | "prioridade"
        | "anexos" | "attachments" | "копия" => Field::Other,
        _ => return None,
    };
    Some((field, value.trim().trim_start_matches(['*', '_']).trim()))
}

/// True if the fields of a quoted mail begin here. A form that a customer fills in also says "De:"
/// and "Para:", so an address or the word for "sent" must stand there as well.
fn is_header_block(lines: &[&str], at: usize) -> bool {
    let Some((first, _)) = lines.get(at).and_then(|line| field(line)) else { return false };
    if matches!(first, Field::To | Field::Other) {
        return false;
    }
    let mut seen: Vec<Field> = Vec::new();
    let mut address = false;
    let mut wrapped = 0;
    for line in lines.iter().skip(at).take(MAX_BLOCK_LINES) {
        match field(line) {
            Some((name, value)) => {
                wrapped = 0;
                address |= matches!(name, Field::From | Field::To) && value.contains('@');
                if !seen.contains(&name) {
                    seen.push(name);
                }
            }
            None if line.trim().is_empty() || wrapped == 2 => break,
            None => {
                wrapped += 1;
                address |= line.contains('@') && seen.contains(&Field::From);
            }
        }
    }
    let has = |name: Field| seen.contains(&name);
    if has(Field::From) {
        return has(Field::Sent) && (has(Field::To) || has(Field::Subject))
            || address && (has(Field::Date) || has(Field::To) || has(Field::Sent))
            || address && has(Field::Subject) && first != Field::Subject;
    }
    has(Field::Sent) && has(Field::To) && has(Field::Subject)
        || has(Field::Date) && has(Field::To) && address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in [
            &ORIGINAL,
            &FORWARD,
            &OPENS,
            &OPENS_AMID,
            &CLOSES,
            &DATED,
            &TALKED_ABOUT,
            &STARTS_WITH_DATE,
            &PHONE_WROTE,
            &WROTE_THIS,
            &HANDS_ON,
            &ANSWERS_BELOW,
        ] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn marks_are_told_from_sentences() {
        let attribution = |lines| Some(Mark::Attribution { lines, before: "" });
        for (text, expected) in [
            ("Em qua., 3 de abr. de 2024 às 10:15, Suporte <s@x.com> escreveu:", attribution(1)),
            ("Em qua., 3 de abr. de 2024 às 10:15, Suporte <\ns@x.com> escreveu:", attribution(2)),
            ("Em 03/04/2024 10:15, Suporte escreveu:", attribution(1)),
            ("A 3 de abril de 2024, Suporte <s@x.com> escreveu:", attribution(1)),
            ("No dia 3 de abril de 2024 às 10:15, Suporte <s@x> escreveu:", attribution(1)),
            ("On Wed, Apr 3, 2024 at 10:15 AM Support <s@x.com> wrote:", attribution(1)),
            ("El mié, 3 abr 2024 a las 10:15, Soporte (<s@x.com>) escribió:", attribution(1)),
            ("Am 03.04.2024 um 10:15 schrieb Support <s@x.com>:", attribution(1)),
            ("Le mer. 3 avr. 2024 à 10:15, Support <s@x.com> a écrit :", attribution(1)),
            ("Em 12/05, o atendente escreveu:", None),
            ("Em anexo segue o que ele me escreveu:", None),
            ("On Monday I was told what she wrote:", None),
            ("-----Mensagem Original-----", Some(Mark::Rest)),
            ("----- Original Message -----", Some(Mark::Rest)),
            ("---------- Mensagem encaminhada ----------", Some(Mark::Forward)),
            ("Início da mensagem encaminhada:", Some(Mark::Forward)),
            ("De: Suporte\nEnviado: quarta-feira\nPara: Ana\nAssunto: x", Some(Mark::Rest)),
            ("De: Suporte <s@x.com>\nEnviada em: quarta\nPara: Ana\nAssunto: x", Some(Mark::Rest)),
            ("*De:* Suporte <s@x.com>\n*Data:* 3 de abril", Some(Mark::Rest)),
            ("Von: x\nGesendet: Dienstag\nAn: y\nBetreff: z", Some(Mark::Rest)),
            ("De: São Paulo\nPara: Recife\nData: 10/05", None),
            ("Data: 10/05\nHora: 10:00", None),
            ("Para: Ana", None),
        ] {
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(at(&lines, 0), expected, "{text}");
        }
    }

    #[test]
    fn some_words_say_where_the_answers_are() {
        for (text, expected) in [
            ("Respostas abaixo em vermelho.", true),
            ("Oi, seguem abaixo minhas respostas", true),
            ("Respondi no corpo do e-mail", true),
            ("See my comments inline", true),
            ("Please find my answers below in red", true),
            ("Não tive respostas do e-mail abaixo", false),
            ("No replies to the message below yet.", false),
            ("Please reply to the question below", false),
            ("Quero cancelar. Abaixo o e-mail de vocês", false),
        ] {
            assert_eq!(answers_below(&[text.to_owned()]), expected, "{text}");
        }
    }

    #[test]
    fn some_words_only_hand_on() {
        for (text, expected) in [
            ("Segue abaixo", true),
            ("Bom dia, segue o e-mail para seu conhecimento.", true),
            ("FYI", true),
            ("Encaminhando, obrigada", true),
            ("Segue a resposta, o que eu faço?", false),
            ("Quero cancelar", false),
        ] {
            assert_eq!(hands_on(text), expected, "{text}");
        }
    }
}
