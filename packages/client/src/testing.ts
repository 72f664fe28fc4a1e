/** For the tests of programs that use Kvorum. */
export {};
