/** The web console of Kvorum: an empty room until its own issue furnishes it. */
export {};
