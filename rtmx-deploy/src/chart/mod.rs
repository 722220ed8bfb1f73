//! The Helm chart of an application.
//!
//! The decision to know: there is one template for each kind of Kubernetes, written by hand, and none of them
//! knows an application. What is rendered of the spec are descriptions of components (named templates whose
//! text is YAML), one small file for each component, and values, schema and README from one table. So a
//! chart is read like any other, and nothing of it can drift from the spec. What only one application has
//! stands in templates of its own, beside its spec, under names that the kinds ask for. Pure.

mod blocks;
mod facts;
mod model;
mod origins;
mod presets;
mod table;
mod template;
mod values;
mod write;

use crate::app::{App, Beside, Inside, Name};
use crate::compose::{AppFiles, Composition};
use crate::release::Lock;
use crate::target::{FileKind, Rendered, RenderedFile};
use model::Model;
use rtmx_core::{Error, Result, deploy};

/// Every chart has these, each under its name.
const TEMPLATES: &[(&str, &str)] = &[
    ("_component.tpl", include_str!("templates/_component.tpl")),
    ("_edge.tpl", include_str!("templates/_edge.tpl")),
    ("_monitoring.tpl", include_str!("templates/_monitoring.tpl")),
    ("_names.tpl", include_str!("templates/_names.tpl")),
    ("_pod.tpl", include_str!("templates/_pod.tpl")),
    ("_policy.tpl", include_str!("templates/_policy.tpl")),
    ("_scale.tpl", include_str!("templates/_scale.tpl")),
    ("_secrets.tpl", include_str!("templates/_secrets.tpl")),
    ("_validate.tpl", include_str!("templates/_validate.tpl")),
    ("NOTES.txt", include_str!("templates/NOTES.txt")),
    ("certificate.yaml", include_str!("templates/certificate.yaml")),
    ("dashboard.yaml", include_str!("templates/dashboard.yaml")),
    ("externalsecret.yaml", include_str!("templates/externalsecret.yaml")),
    ("httproute.yaml", include_str!("templates/httproute.yaml")),
    ("ingress.yaml", include_str!("templates/ingress.yaml")),
    ("networkpolicy.yaml", include_str!("templates/networkpolicy.yaml")),
    ("prometheusrule.yaml", include_str!("templates/prometheusrule.yaml")),
    ("secret.yaml", include_str!("templates/secret.yaml")),
    ("secrets.yaml", include_str!("templates/secrets.yaml")),
    ("serviceaccount.yaml", include_str!("templates/serviceaccount.yaml")),
    ("validate.yaml", include_str!("templates/validate.yaml")),
    ("virtualservice.yaml", include_str!("templates/virtualservice.yaml")),
];
/// A chart has these where it has a use for them.
const CLAIMS: &str = include_str!("templates/claims.yaml");
const STORAGE_CLASS: &str = include_str!("templates/storageclass.yaml");
const TEST: &str = include_str!("templates/test.yaml");

/// What an application's own templates may define; what they do not is empty.
const OWN: [&str; 6] = ["component", "validate", "rows", "next", "alerts", "dashboard"];

/// The files of the application that a chart consists of, by their path beside the spec.
pub fn chart_files_of(app: &App) -> Vec<Beside> {
    let own = app.chart.templates.iter().cloned();
    let omitted = |name: &Name| app.chart.components.get(name).is_some_and(|own| own.omit);
    let mounts = app.components.iter().filter(|(name, _)| !omitted(name));
    let mounted = mounts.flat_map(|(name, component)| {
        component.files.iter().map(move |mount| source(app, name, &mount.path, &mount.file).clone())
    });
    let mut files: Vec<Beside> = own.chain(mounted).collect();
    files.sort();
    files.dedup();
    files
}

fn source<'a>(app: &'a App, name: &Name, path: &Inside, file: &'a Beside) -> &'a Beside {
    app.chart.components.get(name).and_then(|own| own.files.get(path)).unwrap_or(file)
}

/// Renders the chart of an application.
///
/// # Errors
///
/// Names under `chart` that the spec does not have, and `target_settings_invalid` without a file that
/// [`chart_files_of`] names.
pub fn render_chart(app: &App, lock: Option<&Lock>, files: &AppFiles) -> Result<Composition> {
    let model = Model::of(app)?;
    let table = values::table(&model);
    let presets = presets::presets(&model, &table)?;
    let mut rendered = Vec::new();
    let mut add = |path: String, content: String| {
        rendered.push(RenderedFile { path, content, kind: FileKind::Ours });
    };
    add("Chart.yaml".to_owned(), about(&model));
    add(".helmignore".to_owned(), "*.orig\n*.swp\n.git/\nchecksums.sha256\n".to_owned());
    add("values.yaml".to_owned(), write::values(&model, &table));
    add("values.schema.json".to_owned(), write::schema(&model, &table));
    let named: Vec<(String, String)> =
        presets.iter().map(|preset| (preset.name.clone(), preset.summary.clone())).collect();
    add("README.md".to_owned(), write::readme(&model, &table, &named));
    presets.into_iter().for_each(|preset| add(preset.name, preset.text));
    // Two charts that are parts of a third one share the names of their templates.
    let own_names = |text: &str| text.replace("\"chart.", &format!("\"{}.", app.application));
    let mut template = |name: &str, text: &str| add(format!("templates/{name}"), own_names(text));
    TEMPLATES.iter().for_each(|(name, text)| template(name, text));
    template("_facts.tpl", &facts::facts(&model, lock));
    if !model.shared().is_empty() {
        template("claims.yaml", CLAIMS);
    }
    if !model.chart.storage_classes.is_empty() {
        template("storageclass.yaml", STORAGE_CLASS);
    }
    if model.chart.test.is_some() {
        template("test.yaml", TEST);
    }
    for part in &model.parts {
        let text = format!("{{{{- include \"chart.everything\" (list . \"{}\") }}}}\n", part.name);
        template(&format!("component-{}.yaml", part.name), &text);
    }
    let mut defined = String::new();
    for path in &app.chart.templates {
        let text = file(app, files, path)?;
        defined.push_str(text);
        template(path.as_str().rsplit('/').next().unwrap_or_default(), text);
    }
    let missing = OWN.iter().filter(|name| !defined.contains(&format!("define \"chart.own.{name}\"")));
    let empty: String =
        missing.map(|name| format!("{{{{- define \"chart.own.{name}\" }}}}{{{{ end }}}}\n")).collect();
    template(
        "_own_empty.tpl",
        &format!("{{{{/* What the application has nothing of its own for. */}}}}\n{empty}"),
    );
    for path in chart_files_of(app).iter().filter(|path| !app.chart.templates.contains(path)) {
        let text = file(app, files, path)?.to_owned();
        rendered.push(RenderedFile { path: format!("files/{path}"), content: text, kind: FileKind::Ours });
    }
    rendered.sort_by(|a, b| a.path.cmp(&b.path));
    rendered.push(crate::compose::checksums(&rendered));
    Ok(Composition { rendered: Rendered { files: rendered }, warnings: warnings(&model, lock) })
}

fn file<'f>(app: &App, files: &'f AppFiles, path: &Beside) -> Result<&'f str> {
    files.get(path).map(String::as_str).ok_or_else(|| {
        let message = format!("could not render the chart of `{}`", app.application);
        Error::new(deploy::TARGET_SETTINGS_INVALID, message)
            .with_source(format!("the file {path} is not there"))
    })
}

fn about(model: &Model<'_>) -> String {
    use crate::compose::yaml::quoted;
    let app = model.app;
    let main = model.parts.iter().find(|part| part.chart.main).or(model.parts.first());
    let own = main.filter(|part| part.spec.image.tag.contains("{version}"));
    let tag = own.map_or("{version}", |part| part.spec.image.tag.as_str()).replace("{version}", &app.version);
    format!(
        "apiVersion: v2\nname: {}\ndescription: {}\ntype: application\nversion: {}\nappVersion: {}\nkubeVersion: {}\n",
        app.application,
        quoted(&app.summary),
        version(&app.version),
        quoted(&tag),
        quoted(&model.chart.kubernetes),
    )
}

/// A version as Helm wants it, with three numbers.
fn version(text: &str) -> String {
    let (numbers, rest) = match text.find(['-', '+']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let numeric = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts: Vec<&str> = numbers.split('.').filter(numeric).collect();
    parts.truncate(3);
    while parts.len() < 3 {
        parts.push("0");
    }
    format!("{}{rest}", parts.join("."))
}

fn warnings(model: &Model<'_>, lock: Option<&Lock>) -> Vec<String> {
    let images = model.parts.iter().map(|part| &part.spec.image);
    let mut loose: Vec<String> = images
        .map(|image| crate::release::reference(model.app, image))
        .filter(|reference| !lock.is_some_and(|lock| lock.images.contains_key(reference)))
        .collect();
    loose.sort();
    loose.dedup();
    let pinned = |reference| format!("the image {reference} is not pinned: the lock has no digest of it");
    let mut warnings: Vec<String> = loose.into_iter().map(pinned).collect();
    for part in &model.parts {
        let named = part.spec.user.as_deref().is_some_and(|user| user.parse::<u32>().is_err());
        if named && part.chart.uid.is_none() {
            warnings.push(format!(
                "`{}` runs as the user 1000: Kubernetes takes no names of users; say which under `chart.components.{}.uid`",
                part.name, part.name
            ));
        }
    }
    warnings
}
