/** Version of this software, as it stands in every package.json; a test compares them. */
export const SOFTWARE_VERSION = "0.1.0";
