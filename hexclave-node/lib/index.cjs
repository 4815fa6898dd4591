"use strict";

const convex = require("./convex.cjs");
const { classes } = require("./errors.cjs");
const supabase = require("./supabase.cjs");
const { User } = require("./user.cjs");
const { Verifier, createVerifier, userFromRequest, verifyAccessToken } = require("./verifier.cjs");
const webhooks = require("./webhooks.cjs");

module.exports = {
  ...classes,
  ...convex,
  ...supabase,
  ...webhooks,
  User,
  Verifier,
  createVerifier,
  userFromRequest,
  verifyAccessToken,
};
