declare module 'faregate-config' {
  const config: unknown
  export default config
}
