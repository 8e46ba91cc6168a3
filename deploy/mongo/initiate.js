// Makes the one-node replica set and its users: `mongosh --file initiate.js` beside mongod, over
// 127.0.0.1, because only there may somebody come in who has no user yet.
// MONGO_HOST=name:port is the address the services use; USERS_FILE holds roles and passwords. Run
// again it gives roles and users what the file says; it ends when the node is writable.
const fs = require("fs");
const host = process.env.MONGO_HOST || "mongo:27017";
const file = process.env.USERS_FILE || "/run/secrets/mongo-users.json";
const { root, roles, users } = JSON.parse(fs.readFileSync(file, "utf8"));
const ALREADY_INITIALIZED = 23;
const admin = db.getSiblingDB("admin");

function isRoot() {
  try {
    admin.auth("root", root);
    return true;
  } catch (fault) {
    return false;
  }
}

function untilWritable() {
  for (let tries = 0; !admin.hello().isWritablePrimary; tries += 1) {
    if (tries > 300) {
      print(`${host} did not become a writable primary within 60 s`);
      quit(1);
    }
    sleep(200);
  }
}

if (!isRoot()) {
  try {
    rs.initiate({ _id: "rs0", members: [{ _id: 0, host }] });
  } catch (fault) {
    if (fault.code !== ALREADY_INITIALIZED) {
      throw fault;
    }
  }
  untilWritable();
  admin.createUser({ user: "root", pwd: root, roles: ["root"] });
  admin.auth("root", root);
}
untilWritable();
for (const { database, ...role } of roles) {
  const own = db.getSiblingDB(database);
  if (own.getRole(role.role) === null) {
    own.createRole(role);
  } else {
    own.updateRole(role.role, { privileges: role.privileges, roles: role.roles });
  }
}
for (const { user, pwd, database, roles } of users) {
  const own = db.getSiblingDB(database);
  if (own.getUser(user) === null) {
    own.createUser({ user, pwd, roles });
  } else {
    own.updateUser(user, { pwd, roles });
  }
}
print(`${host} is a writable primary of rs0; users: ${users.map((one) => one.user).join(", ")}`);
