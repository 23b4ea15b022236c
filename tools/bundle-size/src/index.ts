export { bundle, type Bundle, type BundleOptions } from "./bundle.ts";
