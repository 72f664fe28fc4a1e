/** The pure core of Kvorum. */
export {};
