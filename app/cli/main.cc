#include "app/cli/program.h"

int main(int argc, char** argv) {
    return peerbook::app::cli::run_program(argc, argv);
}
