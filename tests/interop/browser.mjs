/** The least of a browser that the SDK wants: a location, and a document that keeps cookies. */
export function browser(location) {
  const jar = new Map();
  globalThis.document = {
    createElement: () => ({}),
    get cookie() {
      return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    },
    set cookie(text) {
      const [pair, ...attributes] = text.split(";").map((part) => part.trim());
      const at = pair.indexOf("=");
      const name = pair.slice(0, at);
      const expires = attributes.find((attribute) => /^expires=/i.test(attribute));
      if (expires && new Date(expires.slice("expires=".length)) <= new Date()) {
        jar.delete(name);
      } else {
        jar.set(name, pair.slice(at + 1));
      }
    },
  };
  globalThis.window = Object.assign(new EventTarget(), { location, document: globalThis.document });
  globalThis.location = location;
  return jar;
}
