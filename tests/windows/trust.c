/* Puts certificates into the machine's trusted roots, or takes them out: `trust add FILE`, `trust remove FILE`; DER, one a file. */
#include <windows.h>

#include <stdio.h>
#include <string.h>
#include <wincrypt.h>

int main(int argc, char **argv) {
    static unsigned char der[65536];
    PCCERT_CONTEXT given, found;
    HCERTSTORE store;
    FILE *file;
    DWORD size;
    BOOL done;
    if (argc != 3) {
        return 2;
    }
    file = fopen(argv[2], "rb");
    if (file == NULL) {
        printf("%s cannot be read\n", argv[2]);
        return 1;
    }
    size = (DWORD)fread(der, 1, sizeof der, file);
    fclose(file);
    given = CertCreateCertificateContext(X509_ASN_ENCODING, der, size);
    store = CertOpenStore(CERT_STORE_PROV_SYSTEM_A, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, "Root");
    if (given == NULL || store == NULL) {
        printf("certificate %d, store %d: error %lu\n", given != NULL, store != NULL, GetLastError());
        return 1;
    }
    if (strcmp(argv[1], "add") == 0) {
        done = CertAddCertificateContextToStore(store, given, CERT_STORE_ADD_REPLACE_EXISTING, NULL);
    } else {
        found = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_EXISTING, given, NULL);
        done = found != NULL && CertDeleteCertificateFromStore(found);
    }
    if (!done) {
        printf("%s: error %lu\n", argv[1], GetLastError());
    }
    CertFreeCertificateContext(given);
    return CertCloseStore(store, 0) && done ? 0 : 1;
}
