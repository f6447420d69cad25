// Where the API is: this file is <api>/portal/<version>/core/address.js.

const ROOT = new URL("../../../", import.meta.url);

export const address = (path) => new URL(path, ROOT);
