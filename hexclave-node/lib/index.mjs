import hexclave from "./index.cjs";

export const {
  ConfigurationError,
  ConvexError,
  ForbiddenError,
  HexclaveError,
  SupabaseMinter,
  TokenError,
  UnavailableError,
  User,
  Verifier,
  WebhookError,
  createSupabaseMinter,
  createVerifier,
  mintSupabaseToken,
  userFromRequest,
  verifyAccessToken,
} = hexclave;
