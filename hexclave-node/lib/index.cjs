"use strict";

const { classes } = require("./errors.cjs");
const { SupabaseMinter, createSupabaseMinter, mintSupabaseToken } = require("./supabase.cjs");
const { User } = require("./user.cjs");
const { Verifier, createVerifier, userFromRequest, verifyAccessToken } = require("./verifier.cjs");

module.exports = {
  ...classes,
  SupabaseMinter,
  User,
  Verifier,
  createSupabaseMinter,
  createVerifier,
  mintSupabaseToken,
  userFromRequest,
  verifyAccessToken,
};
