//! Compiles the window's pages, with their translations.

fn main() {
    #[cfg(feature = "window")]
    {
        let config = slint_build::CompilerConfiguration::new()
            .with_style("fluent".to_owned())
            .with_bundled_translations("src/window/translations")
            .with_default_translation_context(slint_build::DefaultTranslationContext::None)
            .with_debug_info(std::env::var_os("PROFILE").is_some_and(|profile| profile == "debug"));
        if let Err(error) = slint_build::compile_with_config("src/window/ui/window.slint", config) {
            // The compiler has told what is wrong, and where.
            println!("cargo::error={error}");
        }
    }
}
