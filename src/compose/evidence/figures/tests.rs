use super::*;

#[test]
fn every_pattern_compiles() {
    for pattern in [
        &EMAIL,
        &LINK,
        &DOCUMENT,
        &DATE,
        &CLOCK,
        &PHONE,
        &MONEY,
        &RATE_AFTER,
        &PERCENT,
        &DURATION,
        &DAYS,
        &WEEKDAY,
        &COUNT,
    ] {
        assert!(pattern.is_some());
    }
}

#[test]
fn the_same_thing_in_other_words_is_equal_and_another_is_not() {
    let (pt, en) = (Locale::PtBr, Locale::En);
    for (one, in_one, two, in_two, expected) in [
        ("R$ 1.234,56", pt, "BRL 1,234.56", en, true),
        ("R$\u{a0}1.234,56", pt, "1234.56 reais", pt, true),
        ("mil duzentos e trinta e quatro reais", pt, "R$ 1.234,00", pt, true),
        ("49 reais e 90 centavos", pt, "R$ 49,90", pt, true),
        ("R$ 49,00", pt, "R$ 49", pt, true),
        ("R$ 49,00", pt, "R$ 49,90", pt, false),
        ("R$ 49,00", pt, "US$ 49,00", pt, false),
        ("R$ 990,00 por ano", pt, "R$ 990,00 por mês", pt, false),
        ("R$ 990,00 por ano", pt, "R$ 990,00", pt, true),
        ("31/12", pt, "12/31", en, true),
        ("31/12/2026", pt, "31 de dezembro", pt, true),
        ("December 31st, 2026", en, "31/12/2026", pt, true),
        ("31/12/2026", pt, "31/12/2025", pt, false),
        ("05/03", pt, "March 5", en, true),
        ("05/03", pt, "05/03", en, false),
        ("5 dias úteis", pt, "5 business days", en, true),
        ("5 dias úteis", pt, "5 dias", pt, false),
        ("24 h", pt, "24 horas", pt, true),
        ("24 horas", pt, "1 dia", pt, true),
        ("dois dias", pt, "48 hours", en, true),
        ("7 dias", pt, "one week", en, true),
        ("1 mês", pt, "30 dias", pt, false),
        ("1 ano", pt, "12 meses", pt, true),
        ("14h30", pt, "2:30 pm", en, true),
        ("das 8h às 20h", pt, "from 8:00 to 20:00", en, true),
        ("10%", pt, "dez por cento", pt, true),
        ("10%", pt, "10,5%", pt, false),
        ("https://www.a.example/x/", pt, "a.example/x", en, true),
        ("https://a.example/x", pt, "https://a.example/y", en, false),
        ("(11) 4000-1234", pt, "+55 11 4000-1234", pt, true),
        ("5.000 linhas", pt, "5,000 rows", en, true),
        ("terça-feira", pt, "Tuesday", en, true),
        ("até o dia 7", pt, "day 7", en, true),
        ("ERR-502", en, "err_502", en, true),
    ] {
        let (first, second) = (read(one, in_one), read(two, in_two));
        let equal = first
            .figures
            .iter()
            .all(|figure| second.figures.iter().any(|other| figure.equals(other)));
        assert!(!first.figures.is_empty() && !second.figures.is_empty(), "{one} | {two}");
        assert_eq!(equal, expected, "{one} | {two}: {first:?} {second:?}");
    }
}

#[test]
fn what_is_no_figure_is_left_alone() {
    for text in [
        "1. Abra o menu",
        "2) Tap Save",
        "Segunda via do boleto",
        "Siga o passo 3",
        "uma pessoa da equipe",
        "1️⃣ Abra o menu",
    ] {
        assert_eq!(read(text, Locale::PtBr).figures, [], "{text}");
    }
    let list = read("após 1, 3 e 5 dias", Locale::PtBr).figures;
    assert_eq!(list.len(), 3, "{list:?}");
}
