// The JDBC driver: what a query may look like in Java, statement by statement.

import java.sql.*;
import java.util.*;

public class Jdbc {
    // The driver prepares on the server at the fifth execution; there a generic plan comes five executions later.
    static final int RUNS = 12;

    /** Sets the parameter of a statement. */
    interface Form {
        void set(PreparedStatement statement) throws SQLException;
    }

    record Statement(String written, String runs, String explains, String index, List<Integer> ids) {}

    static String outcome(Connection connection, Form form, Statement statement) {
        try (PreparedStatement search = connection.prepareStatement(statement.runs.replace("$1", "?"));
                PreparedStatement explain = connection.prepareStatement(statement.explains.replace("$1", "?"))) {
            for (int run = 0; run < RUNS; run++) {
                form.set(search);
                List<Integer> found = new ArrayList<>();
                try (ResultSet rows = search.executeQuery()) {
                    while (rows.next()) {
                        found.add(rows.getInt(1));
                    }
                }
                if (!found.equals(statement.ids)) {
                    return "other rows";
                }
            }
            form.set(explain);
            try (ResultSet lines = explain.executeQuery()) {
                while (lines.next()) {
                    if (lines.getString(1).contains(statement.index)) {
                        return "index";
                    }
                }
            }
            return "no index";
        } catch (SQLException error) {
            return error instanceof org.postgresql.util.PSQLException refused && refused.getServerErrorMessage() == null
                    ? "refused by the driver" : "error " + error.getSQLState();
        }
    }

    static List<Statement> statements(Connection connection) throws SQLException {
        List<Statement> statements = new ArrayList<>();
        try (ResultSet rows = connection.createStatement().executeQuery("SELECT * FROM statements ORDER BY position")) {
            while (rows.next()) {
                statements.add(new Statement(rows.getString("written"), rows.getString("runs"), rows.getString("explains"),
                        rows.getString("index_name"), Arrays.asList((Integer[]) rows.getArray("ids").getArray())));
            }
        }
        return statements;
    }

    static Map<String, Form> forms(Connection connection) throws SQLException {
        Float[] floats;
        try (ResultSet rows = connection.createStatement().executeQuery("SELECT f FROM items WHERE id = 42")) {
            rows.next();
            floats = (Float[]) rows.getArray(1).getArray();
        }
        float[] primitive = new float[floats.length];
        Double[] doubles = new Double[floats.length];
        for (int i = 0; i < floats.length; i++) {
            primitive[i] = floats[i];
            doubles[i] = floats[i].doubleValue();
        }
        String brackets = Arrays.toString(floats);
        String braces = brackets.replace('[', '{').replace(']', '}');
        Map<String, Form> forms = new LinkedHashMap<>();
        forms.put("array float4", s -> s.setArray(1, connection.createArrayOf("float4", floats)));
        forms.put("array float8", s -> s.setArray(1, connection.createArrayOf("float8", doubles)));
        forms.put("float[]", s -> s.setObject(1, primitive));
        forms.put("String '[…]'", s -> s.setString(1, brackets));
        forms.put("OTHER '[…]'", s -> s.setObject(1, brackets, Types.OTHER));
        forms.put("OTHER '{…}'", s -> s.setObject(1, braces, Types.OTHER));
        return forms;
    }

    public static void main(String[] arguments) throws SQLException {
        Map<String, String> env = System.getenv();
        String url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE");
        try (Connection connection = DriverManager.getConnection(url, env.get("PGUSER"), "")) {
            List<Statement> statements = statements(connection);
            for (Map.Entry<String, Form> form : forms(connection).entrySet()) {
                for (Statement statement : statements) {
                    String result = outcome(connection, form.getValue(), statement);
                    System.out.println(String.format("%-16s %-32s %s", form.getKey(), statement.written, result));
                }
            }
        }
    }
}
