/** International names of hosts, by tr46; most of it is tables. */
export { toASCII, toUnicode } from "tr46";
