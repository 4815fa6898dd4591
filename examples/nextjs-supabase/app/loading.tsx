export default function Loading() {
  return (
    <main>
      <p className="quiet">Loading…</p>
    </main>
  );
}
