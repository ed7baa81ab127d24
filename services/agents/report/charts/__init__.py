"""Charts as SVG that takes its colours from the page (`--c1` to `--c8`, `--ink`, `--faint`, `--grid`)."""
