//! The keys of the sections about articles, embedding models, templates and prompts.

use super::{Key, Kind, key, optional};

pub(super) const KNOWLEDGE: &[Key] = &[optional(
    "dir",
    Kind::Folder,
    "\"knowledge\"",
    "Pasta dos artigos: <idioma>/<categoria>/<artigo>.md. Sem ela valem os artigos de exemplo.",
    "Folder of the articles: <locale>/<category>/<article>.md. Without it the sample articles are used.",
)];

pub(super) const EMBEDDINGS: &[Key] = &[
    optional(
        "dir",
        Kind::Folder,
        "\"embeddings\"",
        "Pasta do modelo (model.onnx, tokenizer.json, tokenizer_config.json, special_tokens_map.json, \
         config.json) ou, se model estiver definido, a pasta para onde ele é baixado.",
        "Folder of the model (model.onnx, tokenizer.json, tokenizer_config.json, special_tokens_map.json, \
         config.json) or, if model is set, the folder it is downloaded into.",
    ),
    optional(
        "model",
        Kind::Word(crate::adapters::embed::NAMES),
        "\"multilingual-e5-small\"",
        "Modelo a baixar de huggingface.co na primeira vez. Modelos só em inglês não são usados em \
         artigos em português.",
        "Model to download from huggingface.co the first time. English-only models are not used for \
         articles in Portuguese.",
    ),
    optional(
        "runtime",
        Kind::File,
        "\"/usr/lib/libonnxruntime.so\"",
        "Biblioteca do ONNX Runtime, que executa o modelo. Sem ela, vale a que o sistema encontrar.",
        "Library of the ONNX Runtime, which runs the model. Without it, the one that the system finds is used.",
    ),
    key(
        "threads",
        Kind::Integer(1, 256),
        "Quantas threads calculam o vetor de um texto.",
        "How many threads compute the vector of a text.",
    ),
];

pub(super) const TEMPLATES: &[Key] = &[optional(
    "dir",
    Kind::Folder,
    "\"templates\"",
    "Pasta cujos arquivos substituem, um a um, os modelos que vêm no programa.",
    "Folder whose files replace, one by one, the templates that come with the program.",
)];

pub(super) const PROMPTS: &[Key] = &[optional(
    "dir",
    Kind::Folder,
    "\"prompts\"",
    "Pasta cujos arquivos substituem, um a um, os prompts que vêm no programa.",
    "Folder whose files replace, one by one, the prompts that come with the program.",
)];
