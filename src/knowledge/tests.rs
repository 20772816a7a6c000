use super::*;

#[test]
fn the_samples_load() {
    let library = Library::load(None).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>())
    });
    assert!(library.articles().len() >= 2);
}

#[test]
fn the_best_passage_of_the_right_article_comes_first() {
    let library = Library::load(None).unwrap();
    for (locale, text, article) in [
        (Locale::PtBr, "kd meu boleto", "billing/invoice-copy"),
        (Locale::PtBr, "esqueci a senha", "technical/reset-password"),
        (Locale::PtBr, "n consigo conectar o zap", "technical/connect-whatsapp"),
        (Locale::En, "i forgot my password!!", "technical/reset-password"),
    ] {
        let passages = library.search(text, locale, 5);
        let first = passages.first().unwrap_or_else(|| panic!("{text}: nothing"));
        assert_eq!((first.article.as_str(), first.above_floor), (article, true), "{text}");
    }
}
