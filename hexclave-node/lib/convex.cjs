"use strict";

const { argument, flag, jsonOrText, oneOf, options, text, texts, wrong } = require("./arguments.cjs");
const { settled } = require("./errors.cjs");
const native = require("./native.cjs");
const { handleOf } = require("./user.cjs");
const { chosenVerifier, projectOrVerifier } = require("./verifier.cjs");

const UPSTREAM_KINDS = ["normal", "anonymous"];

const configChecks = {
  ...projectOrVerifier,
  aliases: flag,
  upstream: flag,
  inlineKeys: flag,
  projectIdVariable: text,
  format: oneOf("ts", "js", "json"),
};
const judgeChecks = { ...projectOrVerifier, config: jsonOrText, websocket: flag };

async function convexAuthConfig(given) {
  const caller = "convexAuthConfig";
  const {
    aliases = true,
    upstream = false,
    inlineKeys = false,
    projectIdVariable,
    format = "ts",
    ...project
  } = options(given, configChecks, caller);
  if (upstream && (inlineKeys || projectIdVariable !== undefined || project.acceptedKinds !== undefined)) {
    throw wrong(
      `${caller}: \`upstream\``,
      "without `acceptedKinds`, `inlineKeys` and `projectIdVariable`: it decides by itself",
    );
  }
  if (projectIdVariable !== undefined && (inlineKeys || format === "json")) {
    throw wrong(
      `${caller}: \`projectIdVariable\``,
      "without `inlineKeys` and the format json: they are of one project",
    );
  }
  if (upstream) project.acceptedKinds = UPSTREAM_KINDS;
  const verifier = chosenVerifier(project, caller);
  return settled(await native.convexAuthConfig(verifier, { aliases, upstream, inlineKeys, projectIdVariable, format }));
}

async function convexIdentity(userOrToken, given) {
  const caller = "convexIdentity";
  const judge = options(given, judgeChecks, caller);
  const user = handleOf(userOrToken);
  if (user !== undefined) return JSON.parse(settled(native.convexIdentityOfUser(user)));
  if (!text.is(userOrToken)) throw wrong(`${caller}: \`userOrToken\``, "a User or an access token");
  const config = await configOf(judge);
  return JSON.parse(settled(await native.convexIdentity(userOrToken, config, judge.websocket ?? false)));
}

async function explainConvex(token, given) {
  const caller = "explainConvex";
  const judge = options(given, judgeChecks, caller);
  const known = argument(token, text, "token", caller);
  const config = await configOf(judge);
  const { json, report } = settled(await native.explainConvex(known, config, judge.websocket ?? false));
  return { ...JSON.parse(json), report };
}

/** The configuration to judge by, as JSON: the given one, or the one that would be written for the project. */
async function configOf({ config, websocket, ...project }) {
  return config ?? convexAuthConfig({ ...project, format: "json" });
}

module.exports = { convexAuthConfig, convexIdentity, explainConvex };
