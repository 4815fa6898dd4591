import type { Metadata } from "next";
import type { ReactNode } from "react";
import { HexclaveProvider, HexclaveTheme } from "@stackframe/stack";
import { hexclaveServerApp } from "@/hexclave/server";
import "./style.css";

// A page made by the build would have an instance of the SDK other than that of the server, which answers the actions: the
// user would be lost when the first answer changes a cookie.
export const dynamic = "force-dynamic";

export const metadata: Metadata = { title: "Hexclave users in Supabase" };

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        <HexclaveProvider app={hexclaveServerApp}>
          <HexclaveTheme>{children}</HexclaveTheme>
        </HexclaveProvider>
      </body>
    </html>
  );
}
