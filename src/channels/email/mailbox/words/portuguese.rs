//! Troubles in Brazilian Portuguese.

use super::super::trouble::{Provider, Trouble};
use crate::domain::labels::Locale;
use crate::ports::PortErrorKind;

/// Says what was wrong and what to do.
pub(super) fn of_trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::UnknownHost { host } => {
            format!(
                "O nome {host} não foi encontrado. Confira se `imap_host` foi digitado corretamente e se esta máquina consegue consultar nomes (DNS)."
            )
        }
        Trouble::Refused { host, port } => {
            format!(
                "Ninguém atende em {host} na porta {port}. Confira `imap_host` e `imap_port`: em geral 993 com tls e 143 com starttls."
            )
        }
        Trouble::Unreachable { host } => {
            format!(
                "Não há caminho até {host}. Confira a rede desta máquina e se o firewall permite a saída para a porta do IMAP."
            )
        }
        Trouble::NoTlsThere { port } => {
            format!(
                "O servidor não fala TLS na porta {port}. Use `imap_port` 993, ou mantenha a porta e use `imap_security` starttls."
            )
        }
        Trouble::StartTlsNotOffered { port } => {
            format!(
                "O servidor não oferece STARTTLS na porta {port}, e a senha não é enviada sem criptografia. Use `imap_security` tls e `imap_port` 993."
            )
        }
        Trouble::CertificateWrongName { host } => {
            format!(
                "O certificado do servidor não é de {host}. Em `imap_host`, use o nome que está nas instruções do provedor, e não um apelido no seu próprio domínio."
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
                "Quem atende na porta {port} não é um servidor IMAP. Confira `imap_port`: o IMAP costuma usar a 993; a 995 é do POP3, e a 465 e a 587 são de envio."
            )
        }
        Trouble::LoginNotOffered { mechanism } => {
            format!(
                "O servidor não oferece o login {mechanism}. Troque o token por senha, ou a senha por token, e use `imap_security` tls ou starttls."
            )
        }
        Trouble::TokenRefused { status } => {
            let status = status.as_deref().map(|s| format!(" (status {s})")).unwrap_or_default();
            format!(
                "O servidor não aceitou o token de acesso{status}. Confira se ele está na validade, se é deste `user` e se foi emitido para IMAP."
            )
        }
        Trouble::NoToken(why) => why.in_locale(Locale::PtBr),
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
                "O servidor não respondeu a tempo nesta etapa: {}. Confira `imap_host`, `imap_port` e `imap_security`, e a rede; um `imap_security` errado também causa isso.",
                step.in_locale(Locale::PtBr)
            )
        }
        other => fixed(other).to_owned(),
    }
}

/// The sentences without data.
fn fixed(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::CertificateNotTrusted => {
            "Nenhuma autoridade em que esta máquina confia garante o certificado do servidor. Se o servidor é seu, informe em `ca_file` o certificado da autoridade dele; se não é, confirme que `imap_host` é mesmo o do provedor."
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
            "A Microsoft não aceita mais senha para IMAP. Registre um aplicativo no Entra ID com acesso a IMAP e informe em `token_command` um programa que imprima os tokens dele."
        }
        Trouble::BasicLoginOff { provider: Provider::Google } => {
            "O Google não aceita a senha da própria conta para IMAP. Ative a verificação em duas etapas e crie uma senha de app, ou informe em `token_command` um programa que imprima tokens de acesso."
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
            "Nenhuma pasta de enviados foi encontrada. Informe em `sent_folder` o nome dela como aparece no webmail, ou desligue essa opção."
        }
        Trouble::NoStableIds => {
            "Este servidor não dá números fixos às mensagens, e sem eles não se sabe quais são novas. Peça ao provedor IMAP com UIDVALIDITY, ou use outra caixa postal."
        }
        Trouble::Lost => "A conexão com o servidor caiu. Ela será refeita automaticamente.",
        Trouble::Garbled => {
            "O servidor deu uma resposta incompreensível. Uma nova tentativa será feita automaticamente; se continuar assim, confira se `imap_port` é a do IMAP."
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
        | Trouble::NoToken(_)
        | Trouble::NoSuchFolder { .. }
        | Trouble::CommandRefused { .. }
        | Trouble::TimedOut { .. } => "",
    }
}
