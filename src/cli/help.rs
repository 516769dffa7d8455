//! The help in the reader's language: clap's own words and ours.

use crate::words::Language;
use clap::{Arg, Command, CommandFactory};

/// The command line with its help in `language`.
pub fn command(language: Language) -> Command {
    localise(super::args::Cli::command(), "", language).after_help(match language {
        Language::Portuguese => AFTER_PT,
        Language::English => AFTER_EN,
    })
}

/// The help of one command, by the words that lead to it; `None` where they lead nowhere.
pub fn of(words: &[String], language: Language) -> Option<String> {
    let mut root = command(language);
    root.build();
    let mut command = &mut root;
    for word in words {
        command = command.find_subcommand_mut(word)?;
    }
    let help =
        if command.get_long_about().is_some() { command.render_long_help() } else { command.render_help() };
    Some(rendered(&help.to_string(), language))
}

/// Help as clap renders it, with the few words that it does not let us choose.
pub fn rendered(text: &str, language: Language) -> String {
    match language {
        Language::Portuguese => text.replace("[OPTIONS]", "[OPÇÕES]"),
        Language::English => text.to_owned(),
    }
}

const AFTER_PT: &str = "\
Todos os comandos aceitam --json: um documento JSON por linha. O resultado de «status», «check», «slots» e «journal» tem os \
nomes do protocolo do agente, que não mudam de sentido; um erro é {\"problem\": {\"code\", \"sentence\", \"hint\"}, \"exit\"}.

Códigos de saída: «dmbackupctl help exit-codes».";

const AFTER_EN: &str = "\
Every command takes --json: one JSON document a line. The results of “status”, “check”, “slots” and “journal” have the names \
of the agent's protocol, which do not change their meaning; an error is {\"problem\": {\"code\", \"sentence\", \"hint\"}, \"exit\"}.

Exit codes: “dmbackupctl help exit-codes”.";

fn localise(command: Command, path: &str, language: Language) -> Command {
    let mut command = match language {
        Language::Portuguese => portuguese_headings(command),
        Language::English => command.help_template(TEMPLATE_EN).subcommand_value_name("COMMAND"),
    };
    if let Some(about) = words(path, language) {
        command = command.about(about);
    }
    if path == "exit-codes" {
        command = command.long_about(super::exit_codes::table(language));
    }
    let names: Vec<String> = command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    for name in names {
        let key = if path.is_empty() { format!("--{name}") } else { format!("{path} --{name}") };
        command = command.mut_arg(&name, |arg| localise_arg(arg, &key, language));
    }
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for verb in verbs {
        let path = if path.is_empty() { verb.clone() } else { format!("{path} {verb}") };
        command = command.mut_subcommand(&verb, |verb| localise(verb, &path, language));
    }
    command
}

fn portuguese_headings(command: Command) -> Command {
    command.help_template(TEMPLATE_PT).subcommand_help_heading("Comandos").subcommand_value_name("COMANDO")
}

const TEMPLATE_PT: &str = "{about-with-newline}\nUso: {usage}\n\n{all-args}{after-help}";
const TEMPLATE_EN: &str = "{about-with-newline}\nUsage: {usage}\n\n{all-args}{after-help}";

fn localise_arg(mut arg: Arg, key: &str, language: Language) -> Arg {
    if let Some(help) = words(key, language) {
        arg = arg.help(help).long_help(None::<&str>);
    }
    match language {
        Language::English => arg,
        Language::Portuguese => {
            let heading = if arg.is_positional() { "Argumentos" } else { "Opções" };
            let name = arg.get_value_names().and_then(|names| names.first()).map(|name| value_name(name));
            let arg = arg.help_heading(heading);
            match name {
                Some(name) => arg.value_name(name),
                None => arg,
            }
        }
    }
}

fn value_name(english: &str) -> &'static str {
    match english {
        "FOLDER" => "PASTA",
        "LANGUAGE" => "IDIOMA",
        "NUMBER" => "NÚMERO",
        "OUTCOME" => "RESULTADO",
        "LOGIN" => "LOGIN",
        "FILE" => "ARQUIVO",
        "COMMAND" => "COMANDO",
        "SHELL" => "SHELL",
        "BACKUP" => "BACKUP",
        "NAME" => "NOME",
        "TEXT" => "TEXTO",
        "SLOT" => "HORÁRIO",
        "WAY" => "CAMINHO",
        _ => "VALOR",
    }
}

/// Our words for a command or an argument; in English clap has most of them from the comments.
fn words(key: &str, language: Language) -> Option<&'static str> {
    let (_, pt) = PORTUGUESE.iter().find(|(known, _)| *known == key)?;
    (language == Language::Portuguese).then_some(pt)
}

/// By the words that lead to a command, and the name of an argument behind it.
const PORTUGUESE: &[(&str, &str)] = &[
    ("", "Backups de hora em hora, conferidos, do SQL Server de uma loja"),
    ("--config", "Arquivo de configuração; sem ele, o lugar dele no sistema"),
    ("--state", "Pasta de estado do agente; sem ela, o lugar dela no sistema"),
    ("--lang", "Idioma do que é mostrado: pt ou en"),
    ("--json", "Mostra JSON, para programas"),
    ("--help", "Mostra esta ajuda, ou a de um comando"),
    ("--version", "Mostra a versão"),
    ("run", "Executa o agente aqui, sem área de trabalho, até Ctrl-C ou SIGTERM"),
    ("run --once", "Termina depois do primeiro backup; o código de saída é o dele"),
    ("status", "Mostra o que o agente faz e o que está errado"),
    ("status --watch", "Continua mostrando até Ctrl-C"),
    ("check", "Verifica tudo agora; o código de saída é o do problema mais grave"),
    ("backup", "Faz um backup agora, ou acompanha o que está em andamento"),
    ("backup --wait", "Espera o fim; o código de saída é o do backup"),
    ("backup --accept_shrunk", "Confirma que um banco que encolheu mais da metade está certo"),
    ("backup --keep", "Faz uma cópia extra, fora da rotação, guardada até alguém a remover"),
    ("backup --reason", "Motivo da cópia extra, em poucas palavras; elas ficam no nome do arquivo"),
    ("manual", "Faz um backup em um HD externo ou pen drive"),
    ("manual --folder", "A pasta, no disco"),
    ("manual --replace", "Apaga antes o backup que está lá, se não couberem os dois"),
    ("manual --wait", "Espera o fim; o código de saída é o do backup"),
    ("cancel", "Para o backup em andamento"),
    ("quit", "Encerra o agente; pede a senha, que é a data do servidor"),
    ("quit --password_stdin", "Lê a senha da entrada padrão em vez de pedi-la"),
    ("quit --stop", "Para um backup em andamento sem perguntar"),
    ("opened", "Avisa o agente de que o sistema da loja foi aberto"),
    ("slots", "Lista os backups de cada horário, aqui e no terminal"),
    ("verify", "Relê por inteiro os backups guardados; um danificado é refeito a partir do outro lado"),
    ("verify --all", "Todos; sem --all e --slot, o mais novo"),
    ("verify --slot", "Um só: um horário como 09h, um dia como Segunda, ou newest"),
    ("verify --terminal", "Só no terminal; sem isso, aqui e no terminal"),
    (
        "restore",
        "Restaura um backup ao lado do banco da loja, lista de onde restaurar, ou remove o que foi restaurado",
    ),
    (
        "restore --list",
        "Lista de onde se pode restaurar; com --from, os backups desse arquivo ou dessa pasta",
    ),
    (
        "restore --from",
        "Restaura deste backup, ao lado do banco da loja: newest (o mais novo), um horário (09h), um dia (Segunda) ou um arquivo",
    ),
    ("restore --terminal", "Usa a cópia do terminal desse horário ou dia"),
    (
        "restore --replace",
        "Põe o backup no lugar do banco da loja: primeiro um backup de segurança, depois a troca pelo nome",
    ),
    (
        "restore --overwrite",
        "Restaura por cima do banco da loja, só onde o disco não tem espaço para os dois; antes, um backup de segurança",
    ),
    ("restore --confirm", "O nome do banco da loja, como confirmação; sem ele, ele é perguntado"),
    ("restore --resume", "Continua uma troca do banco que foi interrompida"),
    ("restore --undo", "Volta ao banco que foi trocado"),
    (
        "restore --tick",
        "Marca itens da conferência depois da troca: vendas, fiscal, compras, usuarios, lancamentos; ou tudo, de uma vez",
    ),
    ("restore --release", "Encerra a troca com a conferência toda marcada: o banco anterior é removido"),
    ("restore --drop", "Remove um banco que uma restauração deste programa criou"),
    (
        "restore --test",
        "Prova agora que o backup mais novo restaura: ao lado, conferido, contado e removido; acontece sozinho toda semana",
    ),
    ("restore --past", "Mostra as últimas restaurações e o resultado de cada uma"),
    ("restore --dry_run", "Só mostra o que seria feito, e o T-SQL"),
    ("restore --wait", "Espera o fim; o código de saída é o da restauração"),
    ("restore --admin_user", "Login SQL de um administrador, só para esta restauração"),
    ("restore --admin_password_file", "Arquivo cuja primeira linha é a senha do administrador"),
    ("journal", "Mostra os últimos backups e o resultado de cada um"),
    ("journal --limit", "Quantos no máximo (padrão: 20)"),
    ("journal --outcome", "Só os que terminaram assim: success, warning, failed, cancelled ou interrupted"),
    ("inspect", "Examina um arquivo .zip ou .bak, sem agente e sem SQL Server"),
    ("inspect --file", "O arquivo: um .zip deste programa, ou um .bak do SQL Server"),
    ("alert", "Experimenta os caminhos pelos quais se avisa que algo está errado"),
    (
        "alert --test",
        "Envia um teste por este caminho (email, webhook, telegram, heartbeat); sem ele, por todos os configurados",
    ),
    ("config", "Confere ou mostra a configuração"),
    ("config check", "Lê o arquivo e mostra tudo o que está errado nele"),
    ("config show", "Mostra cada valor, e de onde ele vem"),
    ("config show --in_force", "Pergunta ao agente o que está valendo, em vez de ler o arquivo"),
    ("report", "Reúne tudo para o suporte em um zip, sem senhas nem dados de clientes"),
    ("report --file", "O zip, ou uma pasta para ele; sem ele, a pasta atual"),
    ("head-office", "Para redes de lojas: informa à matriz por qual IP este servidor é alcançado"),
    ("head-office update", "Descobre o IP deste servidor e o envia; mostra o anterior e o atual"),
    ("head-office update --dry_run", "Só descobre o IP e tenta o login; não envia nada"),
    ("grant", "Mostra ou dá as permissões que faltam ao login no SQL Server"),
    ("grant --print", "Mostra o T-SQL para um administrador executar"),
    ("grant --apply", "Executa, como o administrador indicado abaixo ou como o login configurado"),
    ("grant --admin_user", "Login SQL de um administrador, como sa"),
    ("grant --admin_password_file", "Arquivo cuja primeira linha é a senha do administrador"),
    ("version", "Mostra a versão, e uma mais nova, se houver"),
    ("version --check", "Procura uma mais nova agora; o código de saída diz o que impediu"),
    ("exit-codes", "Lista os códigos de saída deste programa"),
    ("completions", "Mostra o script que completa palavras em um shell"),
    ("completions --shell", "O shell: bash, zsh, fish ou powershell"),
    ("man", "Mostra a página de manual deste programa, para o man"),
    ("help", "Mostra esta ajuda, ou a de um comando"),
    ("help --command", "O comando, por exemplo status ou config show"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(command: &Command, path: &str, found: &mut Vec<String>) {
        found.push(path.to_owned());
        for arg in command.get_arguments() {
            let name = arg.get_id();
            found.push(if path.is_empty() { format!("--{name}") } else { format!("{path} --{name}") });
        }
        for verb in command.get_subcommands() {
            let name = verb.get_name();
            keys(verb, &if path.is_empty() { name.to_owned() } else { format!("{path} {name}") }, found);
        }
    }

    #[test]
    fn everything_that_can_be_typed_is_explained_in_portuguese() {
        let mut found = Vec::new();
        keys(&super::super::args::Cli::command(), "", &mut found);
        found.sort();
        let mut known: Vec<_> = PORTUGUESE.iter().map(|(key, _)| (*key).to_owned()).collect();
        known.sort();
        assert_eq!(found, known);
    }

    #[test]
    fn the_help_of_each_language_is_all_of_that_language() {
        let pt = of(&[], Language::Portuguese).unwrap();
        for word in ["Usage", "Commands", "Options", "OPTIONS", "COMMAND", "FILE", "Print", "Show"] {
            assert!(!pt.contains(word), "{word} in:\n{pt}");
        }
        assert!(pt.contains("Uso: dmbackupctl [OPÇÕES] <COMANDO>"), "{pt}");
        let grant = of(&["grant".to_owned()], Language::Portuguese).unwrap();
        assert!(grant.contains("--admin-password-file <ARQUIVO>"), "{grant}");
        let en = of(&["help".to_owned()], Language::English).unwrap();
        assert!(en.contains("Usage:") && !en.contains("Mostra"), "{en}");
        assert!(of(&["nonsense".to_owned()], Language::English).is_none());
    }

    #[test]
    fn the_table_of_exit_codes_is_part_of_the_help() {
        let table = of(&["exit-codes".to_owned()], Language::Portuguese).unwrap();
        assert!(table.contains(" 9") && table.contains("14"), "{table}");
    }
}
