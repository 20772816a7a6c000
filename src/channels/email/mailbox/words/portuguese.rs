//! Troubles in Brazilian Portuguese.

use super::super::trouble::{Provider, TokenTrouble, Trouble};
use crate::domain::labels::Locale;
use crate::ports::PortErrorKind;

/// Says what was wrong and what to do.
pub(super) fn of_trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::UnknownHost { host } => {
            format!(
                "O nome {host} não foi encontrado. Confira se `host` foi digitado corretamente e se esta máquina consegue consultar nomes (DNS)."
            )
        }
        Trouble::Refused { host, port } => {
            format!(
                "Ninguém atende em {host} na porta {port}. Confira `host` e `port`: em geral 993 com tls e 143 com starttls."
            )
        }
        Trouble::Unreachable { host } => {
            format!(
                "Não há caminho até {host}. Confira a rede desta máquina e se o firewall permite a saída para a porta do IMAP."
            )
        }
        Trouble::NoTlsThere { port } => {
            format!(
                "O servidor não fala TLS na porta {port}. Use `port` 993, ou mantenha a porta e use `security` starttls."
            )
        }
        Trouble::StartTlsNotOffered { port } => {
            format!(
                "O servidor não oferece STARTTLS na porta {port}, e a senha não é enviada sem criptografia. Use `security` tls e `port` 993."
            )
        }
        Trouble::CertificateWrongName { host } => {
            format!(
                "O certificado do servidor não é de {host}. Em `host`, use o nome que está nas instruções do provedor, e não um apelido no seu próprio domínio."
            )
        }
        Trouble::CaFile { path } => {
            format!(
                "Não foi possível ler {}, ou ele não contém certificado. Confira `ca_file`: é um arquivo PEM com linhas BEGIN CERTIFICATE.",
                path.display()
            )
        }
        Trouble::NotImap { port } => {
            format!(
                "Quem atende na porta {port} não é um servidor IMAP. Confira `port`: o IMAP costuma usar a 993; a 995 é do POP3, e a 465 e a 587 são de envio."
            )
        }
        Trouble::LoginNotOffered { mechanism } => {
            format!(
                "O servidor não oferece o login {mechanism}. Troque o token por senha, ou a senha por token, e use `security` tls ou starttls."
            )
        }
        Trouble::TokenRefused { status } => {
            let status = status.as_deref().map(|s| format!(" (status {s})")).unwrap_or_default();
            format!(
                "O servidor não aceitou o token de acesso{status}. Confira se ele está na validade, se é deste `user` e se foi emitido para IMAP."
            )
        }
        Trouble::TokenCommand(why) => of_token_command(why),
        Trouble::NoSuchFolder { name } => {
            format!(
                "Não existe a pasta \"{name}\" nesta caixa postal. Confira o nome como aparece no webmail; uma subpasta pode se chamar INBOX.Nome ou INBOX/Nome."
            )
        }
        Trouble::CommandRefused { step } => {
            format!(
                "O servidor recusou o pedido nesta etapa: {}. Uma nova tentativa será feita automaticamente; se continuar assim, fale com o provedor.",
                step.in_locale(Locale::PtBr)
            )
        }
        Trouble::TimedOut { step } => {
            format!(
                "O servidor não respondeu a tempo nesta etapa: {}. Confira `host`, `port` e `security`, e a rede; um `security` errado também causa isso.",
                step.in_locale(Locale::PtBr)
            )
        }
        other => fixed(other).to_owned(),
    }
}

fn of_token_command(why: &TokenTrouble) -> String {
    let why = match why {
        TokenTrouble::NotThere => {
            "não pôde ser iniciado; confira o caminho e as permissões".to_owned()
        }
        TokenTrouble::Failed(Some(code)) => format!(
            "terminou com o código {code}; execute-o à mão, com o mesmo usuário, para ver o motivo"
        ),
        TokenTrouble::Failed(None) => "foi encerrado por um sinal; execute-o à mão".to_owned(),
        TokenTrouble::TooSlow => {
            "não terminou a tempo; execute-o à mão e veja o que ele espera".to_owned()
        }
        TokenTrouble::NoToken => {
            "não imprimiu um token; ele deve imprimir só o token, em uma linha".to_owned()
        }
    };
    format!("O comando do token {why}.")
}

/// The sentences without data.
fn fixed(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::CertificateNotTrusted => {
            "Nenhuma autoridade em que esta máquina confia garante o certificado do servidor. Se o servidor é seu, informe em `ca_file` o certificado da autoridade dele; se não é, confirme que `host` é mesmo o do provedor."
        }
        Trouble::CertificateExpired => {
            "O certificado do servidor está vencido. Peça ao provedor que o renove e confira o relógio desta máquina."
        }
        Trouble::CertificateNotYetValid => {
            "O certificado do servidor ainda não é válido. Confira o relógio desta máquina."
        }
        Trouble::TlsFailed => {
            "O servidor e esta máquina não têm uma versão de TLS em comum. O servidor precisa de TLS 1.2 ou mais novo; fale com o provedor."
        }
        Trouble::NoTrustedRoots => {
            "Esta máquina não confia em nenhum certificado. Instale o pacote de certificados dela (ca-certificates)."
        }
        Trouble::LoginRefused => {
            "O servidor recusou o usuário ou a senha. Confira os dois no webmail; com verificação em duas etapas é preciso uma senha de app. Enquanto isso, as tentativas ficam espaçadas, para que a conta não seja bloqueada."
        }
        Trouble::BasicLoginOff { provider: Provider::Microsoft } => {
            "A Microsoft não aceita mais senha para IMAP. Registre um aplicativo no Entra ID com acesso a IMAP e use o login xoauth2 com um comando de token."
        }
        Trouble::BasicLoginOff { provider: Provider::Google } => {
            "O Google não aceita a senha da própria conta para IMAP. Ative a verificação em duas etapas e crie uma senha de app, ou use o login xoauth2 com um comando de token."
        }
        Trouble::TokenFile(TokenTrouble::NotThere) => {
            "Não foi possível ler o arquivo do token. Confira o caminho e as permissões."
        }
        Trouble::TokenFile(_) => {
            "O arquivo do token não contém um token. Ele deve conter só o token, em uma linha."
        }
        Trouble::ImapOff => {
            "Esta conta não tem permissão para usar IMAP. Ative o IMAP nas configurações da caixa postal, ou peça isso a quem a administra."
        }
        Trouble::NotConnected => {
            "A Microsoft aceitou o login, mas não abriu nenhuma caixa postal. Confira se `user` é o endereço da caixa, se o IMAP está ativo nela e se o aplicativo tem permissão para essa caixa."
        }
        Trouble::Throttled => {
            "O provedor limitou esta conta: conexões demais ao mesmo tempo, ou volume demais. Feche outros programas de e-mail que usam esta caixa; uma nova tentativa será feita automaticamente."
        }
        Trouble::Busy => {
            "O servidor informou que não pode atender agora. Uma nova tentativa será feita automaticamente."
        }
        Trouble::SentNotFound => {
            "Nenhuma pasta de enviados foi encontrada. Informe em `sent` o nome dela como aparece no webmail, ou desligue essa opção."
        }
        Trouble::NoStableIds => {
            "Este servidor não dá números fixos às mensagens, e sem eles não se sabe quais são novas. Peça ao provedor IMAP com UIDVALIDITY, ou use outra caixa postal."
        }
        Trouble::Lost => "A conexão com o servidor caiu. Ela será refeita automaticamente.",
        Trouble::Garbled => {
            "O servidor deu uma resposta incompreensível. Uma nova tentativa será feita automaticamente; se continuar assim, confira se `port` é a do IMAP."
        }
        Trouble::TooMuch => {
            "O servidor enviou muito mais do que tinha anunciado. Uma nova tentativa será feita, e de uma mensagem assim só são lidos os cabeçalhos."
        }
        Trouble::NotStored(PortErrorKind::Permanent) => {
            "Não é possível guardar aqui o que chegou. As mensagens continuam no servidor e serão lidas de novo; veja o registro do armazenamento."
        }
        Trouble::NotStored(_) => {
            "Não foi possível guardar agora o que chegou. As mensagens continuam no servidor e serão lidas de novo."
        }
        // The others have data, and their sentences above; they are listed so that a new one is missed here.
        Trouble::UnknownHost { .. }
        | Trouble::Refused { .. }
        | Trouble::Unreachable { .. }
        | Trouble::NoTlsThere { .. }
        | Trouble::StartTlsNotOffered { .. }
        | Trouble::CertificateWrongName { .. }
        | Trouble::CaFile { .. }
        | Trouble::NotImap { .. }
        | Trouble::LoginNotOffered { .. }
        | Trouble::TokenRefused { .. }
        | Trouble::TokenCommand(_)
        | Trouble::NoSuchFolder { .. }
        | Trouble::CommandRefused { .. }
        | Trouble::TimedOut { .. } => "",
    }
}
