/** Made by `build.ts`: the codes of coins, one a line, by their decimals. */
declare module "virtual:coins" {
  const codes: Readonly<Record<string, string>>
  export default codes
}
