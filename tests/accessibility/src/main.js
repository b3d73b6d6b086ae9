import axe from "axe-core";

globalThis.axe = axe;
