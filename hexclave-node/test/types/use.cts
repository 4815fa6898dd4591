// The same types reach those who `require`.

import hexclave = require("hexclave-node");

export const mint = async (token: string): Promise<string> =>
  hexclave.createSupabaseMinter().mint(await hexclave.verifyAccessToken(token));
