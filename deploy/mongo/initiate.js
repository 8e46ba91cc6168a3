// Makes the one-node replica set, once: `mongosh --file initiate.js` with MONGO_HOST=name:port, the
// address the services use. Run again it changes nothing; it ends when the node is writable.
const host = process.env.MONGO_HOST || "mongo:27017";
const NOT_INITIATED = 94;
try {
  rs.status();
} catch (fault) {
  if (fault.code !== NOT_INITIATED) {
    throw fault;
  }
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host }] });
}
for (let tries = 0; !db.hello().isWritablePrimary; tries += 1) {
  if (tries > 150) {
    print(`${host} did not become a writable primary within 30 s`);
    quit(1);
  }
  sleep(200);
}
print(`${host} is a writable primary of rs0`);
