/** The Kvorum client: what a program needs to read and write a cluster. */
export * from "./errors.js";
