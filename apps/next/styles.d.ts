// Next's own types for style sheets are generated at the first run; this lets a fresh clone type-check before it.
declare module '*.css'
